//! From when to when the source is taken.

use rushes_media::{Rational, Result, StreamKind};

use super::flow::span;
use super::{Conversion, is_picture};
use crate::av::input::Input;
use crate::write::cut::Mark;
use crate::write::treatment::{StreamPlan, Treatment};
use crate::{FrameIndex, Source, Span};

/// The time that is taken, in seconds since the container's start; without an
/// end up to the source's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) from: Rational,
    pub(crate) to: Option<Rational>,
}

impl Window {
    /// What belongs to the frames that are taken, where pictures are; else the
    /// times that are asked for.
    pub(super) fn of(
        source: &Source,
        input: &Input<'_>,
        wanted: &Conversion,
        plans: &[StreamPlan],
        encoded: Option<Span>,
    ) -> Result<Window> {
        if wanted.cut.is_all() {
            return Ok(Window { from: Rational::ZERO, to: None });
        }
        let is_kept = plans.iter().zip(input.streams()).any(|(plan, stream)| {
            let is_out = matches!(plan.treatment, Treatment::LeftOut(_));
            plan.kind == StreamKind::Video && is_picture(stream) && !is_out
        });
        let asks_frames = [wanted.cut.from, wanted.cut.to]
            .into_iter()
            .any(|mark| matches!(mark, Some(Mark::Frame(_))));
        let has_pictures = input.streams().into_iter().any(is_picture);
        let span = match encoded {
            Some(span) => Some(span),
            None if is_kept || (asks_frames && has_pictures) => {
                Some(span(&FrameIndex::build(source, &mut |_| true)?, wanted)?)
            }
            None => None,
        };
        match span {
            Some(span) => {
                let is_open = wanted.cut.to.is_none();
                let to = Some(span.end_secs).filter(|_| !is_open);
                Ok(Window { from: span.start_secs, to })
            }
            None => {
                let (from, to) = wanted.cut.of_sound()?;
                Ok(Window { from, to })
            }
        }
    }

    /// Seconds of it, of a source that has so many.
    pub(crate) fn length_secs(&self, all_secs: f64) -> f64 {
        let end = self.to.map_or(all_secs, |to| all_secs.min(to.to_f64()));
        (end - self.from.to_f64()).max(0.0)
    }

    /// Whether it is everything, also what comes before the start.
    pub(crate) fn is_all(&self) -> bool {
        self.from == Rational::ZERO && self.to.is_none()
    }

    /// Whether something that begins then belongs to it.
    pub(crate) fn has(&self, secs: Rational) -> bool {
        self.is_all() || (secs >= self.from && self.to.is_none_or(|to| secs < to))
    }
}

//! Pictures in a row, which are no video to libav, become one: stills, pages,
//! arrays, recordings of scientific cameras, animated WebP.

use std::sync::Arc;

use rushes_codec::{Container, Sequence, SequenceStream, Sink, Span, VideoWriter, WriterOptions};
use rushes_media::{Error, ErrorKind, Frame, FrameStream, Rational, Result};
use rushes_ops::FrameOperation;
use rushes_ops::stream::{Ahead, Changed, Sampled};

use super::{Order, StreamReport, WHAT};
use crate::making::pipe::{Nowhere, Told};
use crate::tasks::orientation;

/// Frames that are read ahead, and changed ahead.
const AHEAD: usize = 2;

/// A row of pictures, and what becomes of it.
pub(super) struct Row {
    sequence: Arc<Sequence>,
    span: Span,
    /// Frames a second of the new file, where it has so many.
    rate_hz: Option<Rational>,
    /// Whether frames are repeated or left out to come to that.
    is_sampled: bool,
    codec: &'static str,
    keeps_opacity: bool,
}

impl Row {
    /// What becomes of these pictures as it is ordered.
    pub(super) fn of(order: &Order, sequence: Sequence) -> Result<Row> {
        let mut sequence = sequence;
        if order.timing.deinterlace.is_some() {
            let why = "pictures in a row are whole, not interlaced";
            return Err(Error::new(ErrorKind::Invalid, WHAT, why).remedy("leave --deinterlace out"));
        }
        let is_sampled = order.timing.rate_hz.is_some() && sequence.has_times();
        if let Some(rate_hz) = order.timing.rate_hz.filter(|_| !is_sampled) {
            sequence = sequence.at_rate(rate_hz)?;
        }
        let own_rate = sequence.step_secs().and_then(|step| Rational::whole(1).checked_div(step));
        let rate_hz = order.timing.rate_hz.or(own_rate);
        let container = Container::of(&order.extension)?;
        let first = container.codecs.first().copied().unwrap_or_default();
        let codec = match &order.codec {
            None => first,
            Some(asked) => {
                container.codecs.iter().find(|it| *it == asked).copied().unwrap_or(first)
            }
        };
        let counts_frames = container.counts_frames() || codec == "mpeg4";
        if rate_hz.is_none() && counts_frames {
            let why = "its frames are not shown equally long, which this kind of file cannot say";
            return Err(Error::new(ErrorKind::Unsupported, WHAT, why)
                .remedy("give a rate with --fps, or write MP4, QuickTime or Matroska"));
        }
        let keeps_opacity = match codec {
            "ffv1" | "prores" | "apng" | "webp" | "tiff" | "zarr" | "gif" => true,
            "stills" => order.still_target().is_some_and(|it| it.has_opacity),
            "vp9" => matches!(&*order.extension, "webm" | "mkv"),
            _ => false,
        };
        let starts = |i| sequence.time_secs(i);
        let over = sequence.span().end_secs;
        let mut span = order.timing.cut().span(sequence.len(), &starts, over)?;
        // There is no sound that goes on beyond them.
        span.end_secs = span.end_secs.min(over);
        let sequence = Arc::new(sequence);
        Ok(Row { sequence, span, rate_hz, is_sampled, codec, keeps_opacity })
    }

    /// How many frames there will be.
    pub(super) fn frames(&self) -> u64 {
        let all = (self.span.end - self.span.first) as u64;
        match self.rate_hz.filter(|_| self.is_sampled) {
            Some(rate_hz) => self.span.frames_at(rate_hz).unwrap_or(all),
            None => all,
        }
    }

    fn stream(&self) -> Result<SequenceStream> {
        let sequence = Arc::clone(&self.sequence);
        SequenceStream::open(sequence, Some(orientation), self.keeps_opacity, self.span)
    }

    fn options(&self, order: &Order) -> WriterOptions {
        let (codec, quality) = (order.codec.clone(), order.quality);
        WriterOptions { codec, rate_hz: self.rate_hz, quality, threads: 0, plays: order.plays }
    }

    /// What becomes of it. The container and the codec are known to each other
    /// before work begins.
    pub(super) fn report(&self, order: &Order) -> Result<StreamReport> {
        let stream = self.stream()?;
        VideoWriter::create(Nowhere, &order.extension, self.options(order))?;
        let rate = match self.rate_hz {
            Some(rate_hz) => format!("{rate_hz} a second"),
            None => "each with its own time".to_owned(),
        };
        let (width_px, height_px) = (stream.width_px(), stream.height_px());
        let count = self.frames();
        let mut becomes =
            format!("encoded as {}: {count} frames of {width_px}x{height_px}, {rate}", self.codec);
        if !order.filters.is_empty() {
            becomes.push_str(", before they are changed");
        }
        if stream.loses_opacity() {
            becomes.push_str(", transparency is left out");
        }
        for warning in order
            .read
            .gaps
            .iter()
            .map(String::as_str)
            .chain(self.sequence.warnings().iter().map(String::as_str))
        {
            becomes.push_str("; ");
            becomes.push_str(warning);
        }
        let codec = format!("{} pictures", self.sequence.len());
        Ok(StreamReport { index: 0, kind: "video".to_owned(), codec, becomes })
    }

    /// Writes it, and says how far it is.
    pub(super) fn write(
        &self,
        order: &Order,
        operations: Vec<Box<dyn FrameOperation>>,
        sink: impl Sink + 'static,
        tell: &mut dyn FnMut(&Told) -> bool,
    ) -> Result<Told> {
        let mut writer = VideoWriter::create(sink, &order.extension, self.options(order))?;
        let mut told =
            Told { total: Some(self.frames()), unit: "frames".into(), ..Told::default() };
        let changed = Changed::new(self.stream()?, operations);
        let ahead = Ahead::new(changed, AHEAD)?;
        let mut frames = match self.rate_hz.filter(|_| self.is_sampled) {
            Some(rate_hz) => Frames::Sampled(Box::new(Sampled::new(ahead, rate_hz)?)),
            None => Frames::Own(ahead),
        };
        loop {
            match frames.next() {
                Ok(Some(frame)) => {
                    writer.write(&frame)?;
                    told.done += 1;
                }
                Ok(None) => break,
                Err(error) if error.kind == ErrorKind::Corrupt => told.lost_frames += 1,
                Err(error) => return Err(error),
            }
            if let Frames::Sampled(sampled) = &frames {
                told.lost_frames = sampled.lost_frames();
            }
            if !tell(&told) {
                return Err(Error::new(ErrorKind::Unavailable, WHAT, "it was cancelled"));
            }
        }
        if told.done == 0 {
            let why = "not one picture of it can be decoded";
            return Err(Error::new(ErrorKind::Corrupt, WHAT, why));
        }
        writer.finish()?;
        Ok(told)
    }
}

/// Frames as they are, or at another rate.
enum Frames {
    Own(Ahead),
    Sampled(Box<Sampled<Ahead>>),
}

impl Frames {
    fn next(&mut self) -> Result<Option<Frame>> {
        match self {
            Frames::Own(frames) => frames.next_frame(),
            Frames::Sampled(frames) => frames.next_frame(),
        }
    }
}

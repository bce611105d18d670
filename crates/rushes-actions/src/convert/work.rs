//! What a worker does: the only part that touches media.

use std::fs::File;
use std::time::{Duration, Instant};

use rushes_codec::{
    Container, Conversion, Gray, Media, STILL_TARGETS, Source, StillTarget, StreamPlan, Treatment,
    convert, plan_conversion,
};
use rushes_media::{
    Basis, Count, Error, ErrorKind, Frame, Limits, MediaKind, Probe, Result, StreamKind,
};
use rushes_ops::frame::{Filter as Scaling, Resize};
use rushes_sandbox::Reply;
use serde_json::Value;

use super::pictures::Row;
use super::{Order, Planned, StreamReport, WHAT, still};
use crate::making::filters::operations;
use crate::making::pipe::{Outlet, Told};
use crate::tasks::probe_with_tags;

/// How often it says how far it is.
const OFTEN: Duration = Duration::from_millis(100);

pub(super) fn plan_task(params: Value, files: &mut [File], limits: &Limits) -> Result<Reply> {
    let order: Order = serde_json::from_value(params).map_err(|error| Error::bug(WHAT, error))?;
    // What they take is read before work begins.
    operations(&order.filters, limits)?;
    let planned = match Given::find(&order, files, limits)? {
        Given::Still(source, probe) => {
            let files = order.numbers_stills().then_some(1).map(counted);
            Planned { streams: vec![still::report(&order, &source, &probe)?], files }
        }
        Given::Row(row) => {
            let files = order.numbers_stills().then(|| row.frames()).map(counted);
            Planned { streams: vec![row.report(&order)?], files }
        }
        Given::Plays(source) => {
            let plans = plan_conversion(&source, &order.conversion())?;
            let files = plans.iter().find_map(|plan| plan.frames);
            Planned { streams: plans.into_iter().map(report).collect(), files }
        }
    };
    let value = serde_json::to_value(planned).map_err(|error| Error::bug(WHAT, error))?;
    Ok(Reply { value, blobs: Vec::new() })
}

fn counted(frames: u64) -> Count {
    Count { frames, basis: Basis::Counted }
}

pub(super) fn convert_task(params: Value, files: &mut [File], limits: &Limits) -> Result<Reply> {
    let order: Order = serde_json::from_value(params).map_err(|error| Error::bug(WHAT, error))?;
    let Some((pipe, files)) = files.split_last() else {
        return Err(Error::bug(WHAT, "no pipe was passed"));
    };
    let outlet = || pipe.try_clone().map(Outlet).map_err(|error| Error::io(WHAT, &error));
    let operations = operations(&order.filters, limits)?;
    let edit = |frame: Frame| -> Result<Frame> {
        let (time_secs, duration_secs) = (frame.time_secs, frame.duration_secs);
        let mut frame = frame;
        for operation in &operations {
            frame = operation.apply(&frame)?;
        }
        frame.time_secs = time_secs;
        frame.duration_secs = duration_secs;
        Ok(frame)
    };
    let mut progress = outlet()?;
    let mut next = Instant::now();
    let mut tell = |told: &Told| {
        if next > Instant::now() {
            return true;
        }
        next = Instant::now() + OFTEN;
        // A parent that does not listen any more wants no file either.
        progress.tell(told).is_ok()
    };
    let told = match Given::find(&order, files, limits)? {
        Given::Still(source, probe) => {
            let bytes = still::encode(&order, &source, &probe, &edit)?;
            outlet()?
                .write_whole(&bytes, order.numbers_stills())
                .map_err(|error| Error::io("handing the new file over", &error))?;
            let unit = "bytes".to_owned();
            Told { done: bytes.len() as u64, total: Some(bytes.len() as u64), unit, lost_frames: 0 }
        }
        Given::Row(row) => row.write(&order, operations, outlet()?, &mut tell)?,
        Given::Plays(source) => {
            let mut tell = |done: &rushes_codec::Converted| tell(&Told::from(done));
            let edit = (!operations.is_empty()).then_some(&edit as rushes_codec::Edit<'_>);
            let sink = Box::new(outlet()?);
            let done = convert(&source, sink, &order.conversion(), edit, &mut tell)?;
            Told::from(&done)
        }
    };
    let value = serde_json::to_value(told).map_err(|error| Error::bug(WHAT, error))?;
    Ok(Reply { value, blobs: Vec::new() })
}

impl Order {
    /// The extension of the still that it becomes, if it is one.
    pub(super) fn still(&self) -> &str {
        self.extension.strip_prefix("%d.").unwrap_or(&self.extension)
    }

    /// Whether each frame becomes a file.
    fn numbers_stills(&self) -> bool {
        self.still() != self.extension
    }

    /// What such a still can hold.
    pub(super) fn still_target(&self) -> Option<&'static StillTarget> {
        STILL_TARGETS.iter().find(|it| it.extensions.contains(&self.still()))
    }

    fn conversion(&self) -> Conversion {
        Conversion {
            extension: self.extension.clone(),
            codec: self.codec.clone(),
            quality: self.quality,
            sound_codec: self.sound_codec.clone(),
            bit_rate: self.bit_rate,
            without_sound: self.without_sound,
            cut: self.timing.cut(),
            rate_hz: self.timing.rate_hz,
            deinterlacing: self.timing.deinterlacing(),
            changes_frames: !self.filters.is_empty(),
            gray: self.gray(),
            scaled_px: self.scaled_px(),
            threads: 0,
            plays: self.plays,
        }
    }

    /// The size that a chain makes frames at once, if it begins so.
    fn scaled_px(&self) -> Option<(u32, u32)> {
        let first = self.filters.first().filter(|first| first.name == "resize")?;
        let resize: Resize = serde_json::from_value(first.parameters.clone()).ok()?;
        let size = (resize.width_px.unwrap_or(0), resize.height_px.unwrap_or(0));
        (resize.filter == Scaling::Area && size != (0, 0)).then_some(size)
    }

    /// What a chain that begins with grey needs of the pictures: their luma,
    /// where no other weights are asked for.
    fn gray(&self) -> Gray {
        let Some(first) = self.filters.first().filter(|first| first.name == "grayscale") else {
            return Gray::No;
        };
        match first.parameters.get("weights") {
            None => Gray::Own,
            Some(weights) => {
                serde_json::from_value(weights.clone()).map_or(Gray::No, Gray::Weighted)
            }
        }
    }
}

/// What is to be converted.
enum Given {
    Still(Source, Box<Probe>),
    /// Pictures in a row that become a video.
    Row(Row),
    /// What libav plays.
    Plays(Source),
}

impl Given {
    fn find(order: &Order, files: &[File], limits: &Limits) -> Result<Given> {
        let (file, is_target) = (files.first(), order.still_target().is_some());
        // Of several pictures in one file, a file for one has the first.
        let holds_several = Container::of(&order.extension).is_ok() || !is_target;
        let source = match order.read.media(file, 0, limits)? {
            Media::Sequence(sequence) if holds_several || !order.read.is_file() => {
                return Row::of(order, sequence).map(Given::Row);
            }
            Media::Sequence(_) => order.read.source(file, limits)?,
            Media::Still(source) | Media::Played(source) => source,
        };
        let probe = probe_with_tags(&source)?;
        match (probe.kind, is_target) {
            (MediaKind::Still, true) => {
                let moves = order.codec.is_some() || order.sound_codec.is_some();
                if moves || order.bit_rate.is_some() || !order.timing.is_plain() {
                    let why = "a still has no codec of its own to choose, no time and no sound";
                    return Err(Error::new(ErrorKind::Invalid, WHAT, why)
                        .remedy("the extension says what it becomes"));
                }
                Ok(Given::Still(source, Box::new(probe)))
            }
            (MediaKind::Still, false) => {
                let why = format!("a still does not become {:?}", order.extension);
                Err(Error::new(ErrorKind::Unsupported, WHAT, why).remedy(
                    "give the new file a still's extension, such as jpg, png or tiff; \
                     several stills become a video by a pattern, such as shot.####.png",
                ))
            }
            // What plays becomes several stills, if any.
            _ => Ok(Given::Plays(source)),
        }
    }
}

fn report(plan: StreamPlan) -> StreamReport {
    let kind = match plan.kind {
        StreamKind::Still => "still",
        StreamKind::Video => "video",
        StreamKind::Audio => "audio",
        StreamKind::Subtitle => "subtitle",
        StreamKind::Data => "data",
        StreamKind::Attachment => "attachment",
    };
    let becomes = match plan.treatment {
        Treatment::Copied => "copied".to_owned(),
        Treatment::Encoded(codec) => format!("encoded as {codec}"),
        Treatment::LeftOut(why) => format!("left out: {why}"),
    };
    let becomes = match &*plan.notes {
        [] => becomes,
        notes => format!("{becomes}: {}", notes.join(", ")),
    };
    StreamReport { index: plan.index as u64, kind: kind.to_owned(), codec: plan.codec, becomes }
}

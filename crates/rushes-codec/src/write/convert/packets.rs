//! Packets that are taken over, and subtitles that become another kind.

use ffmpeg::ffi;
use rushes_media::{Rational, Result};

use super::{Window, is_picture};
use crate::Source;
use crate::av::input::{Input, Packet};
use crate::av::seconds;
use crate::write::output::Output;
use crate::write::subtitles::SubtitleConverter;
use crate::write::treatment::stands_alone;

/// Where the packets of one stream go.
pub(super) enum Route {
    Copy { stream: usize, part: Part, last_dts: Option<i64> },
    Subtitles(Box<SubtitleConverter>),
}

/// What a cut takes of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The packets that begin within it, each of which stands alone.
    Pictures,
    /// What is shown within it.
    Words,
    /// Everything: it has no time.
    All,
}

/// Packets that are taken over.
pub(super) struct Copying<'s> {
    input: Input<'s>,
    routes: Vec<Option<Route>>,
    packet: Packet,
    /// When the packet in hand is shown, from the container's start; none at
    /// the end.
    pub(super) next_secs: Option<f64>,
    start_secs: f64,
    last_secs: f64,
    window: Window,
}

impl<'s> Copying<'s> {
    pub(super) fn open(
        source: &'s Source,
        routes: Vec<Option<Route>>,
        window: Window,
    ) -> Result<Copying<'s>> {
        let mut input = Input::open(source)?;
        input.keep(&|at| routes.get(at).is_some_and(Option::is_some));
        // SAFETY: the input is open. AVI and others state no times of showing.
        unsafe { (*input.context()).flags |= ffi::AVFMT_FLAG_GENPTS };
        let start_secs = input.start_secs().map_or(0.0, Rational::to_f64) + window.from.to_f64();
        let packet = Packet::new()?;
        let mut copying =
            Copying { input, routes, packet, next_secs: None, start_secs, last_secs: 0.0, window };
        copying.read()?;
        Ok(copying)
    }

    /// Takes the next packet that goes anywhere into its hand.
    fn read(&mut self) -> Result<()> {
        self.next_secs = None;
        while self.input.read(&mut self.packet)?.is_some() {
            if !self.routes.get(self.packet.stream()).is_some_and(Option::is_some) {
                continue;
            }
            let packet = self.packet.get();
            // An edit list leaves it out, and nothing else needs it.
            let is_left_out = packet.flags & ffi::AV_PKT_FLAG_DISCARD != 0;
            if is_left_out && self.stands_alone() {
                continue;
            }
            let ticks = if packet.dts == ffi::AV_NOPTS_VALUE { packet.pts } else { packet.dts };
            let secs = seconds(ticks, self.time_base()).map(Rational::to_f64);
            // A packet without a time goes with the one before.
            let secs = secs.map_or(self.last_secs, |secs| secs - self.start_secs);
            self.last_secs = secs;
            self.next_secs = Some(secs);
            return Ok(());
        }
        Ok(())
    }

    fn time_base(&self) -> ffi::AVRational {
        let stream = self.input.streams().get(self.packet.stream()).copied();
        // SAFETY: the packet belongs to one of the open input's streams.
        stream.map_or(ffi::AVRational { num: 1, den: 1 }, |stream| unsafe { (*stream).time_base })
    }

    /// Whether the packet in hand is a picture that is decoded without any other.
    fn stands_alone(&self) -> bool {
        let stream = self.input.streams().get(self.packet.stream()).copied();
        stream.is_some_and(|stream| is_picture(stream) && stands_alone(stream))
    }

    /// Pictures that the codec of the packet in hand holds back to put them in
    /// order.
    fn held_back(&self) -> i64 {
        let stream = self.input.streams().get(self.packet.stream()).copied();
        // SAFETY: streams of an open input have parameters.
        stream.map_or(0, |stream| unsafe { (*(*stream).codecpar).video_delay.into() })
    }

    /// When the packet in hand is shown, in seconds since the container's start.
    fn begins(&self) -> Option<Rational> {
        let packet = self.packet.get();
        let ticks = if packet.pts == ffi::AV_NOPTS_VALUE { packet.dts } else { packet.pts };
        let own = seconds(ticks, self.time_base())?;
        own.checked_sub(self.input.start_secs().unwrap_or(Rational::ZERO))
    }

    pub(super) fn position_bytes(&self) -> u64 {
        u64::try_from(self.packet.get().pos).unwrap_or(0)
    }

    /// Writes the packet in hand, and reads the next.
    pub(super) fn step(&mut self, output: &mut Output) -> Result<()> {
        let time_base = self.time_base();
        let index = self.packet.stream();
        let tick_secs = f64::from(time_base.num) / f64::from(time_base.den.max(1));
        let shift = (self.start_secs / tick_secs).round() as i64;
        let delay = self.held_back();
        let shown_ms = (self.packet.get().duration as f64 * tick_secs * 1e3).round() as i64;
        let begins = self.begins();
        let (window, own_start) = (self.window, self.input.start_secs());
        let end = window.to.zip(Some(own_start.unwrap_or(Rational::ZERO)));
        let end = end.and_then(|(to, start)| to.checked_add(start)).map(Rational::to_f64);
        let own_secs = own_start.map_or(0.0, Rational::to_f64);
        let own_shift = (own_secs / tick_secs).round() as i64;
        let end_ticks = end.map(|end| (end / tick_secs).round() as i64 - shift);
        match self.routes.get_mut(index) {
            Some(Some(Route::Copy { part: Part::Pictures, .. }))
                if !begins.is_none_or(|begins| window.has(begins)) => {}
            Some(Some(Route::Copy { stream, part, last_dts })) => {
                // SAFETY: the packet is ours.
                let packet = unsafe { &mut *self.packet.0 };
                let shift = if *part == Part::All { own_shift } else { shift };
                for ticks in [&mut packet.pts, &mut packet.dts] {
                    if *ticks != ffi::AV_NOPTS_VALUE {
                        *ticks -= shift;
                    }
                }
                let is_cut = *part == Part::Words && !window.is_all();
                if is_cut && !shorten(packet, end_ticks) {
                    return self.read();
                }
                // Matroska leaves out when the first pictures are decoded: that is
                // as many before they are shown as the codec holds back.
                if packet.dts == ffi::AV_NOPTS_VALUE && packet.pts != ffi::AV_NOPTS_VALUE {
                    let estimate = match last_dts {
                        Some(last) => last.saturating_add(packet.duration.max(1)),
                        None => packet.pts.saturating_sub(packet.duration.saturating_mul(delay)),
                    };
                    packet.dts = estimate.min(packet.pts);
                }
                // Times that go back would end the file here.
                if let Some(last) = last_dts
                    && packet.dts != ffi::AV_NOPTS_VALUE
                    && packet.dts <= *last
                {
                    packet.dts = *last + 1;
                    packet.pts = packet.pts.max(packet.dts);
                }
                *last_dts = Some(packet.dts);
                packet.pos = -1;
                output.write(&self.packet, *stream, time_base)?;
            }
            Some(Some(Route::Subtitles(converter))) => {
                let start_ms = (self.last_secs * 1e3).round() as i64;
                let end_ms = window.to.and_then(|to| to.checked_sub(window.from));
                let end_ms = end_ms.map(|end| (end.to_f64() * 1e3).round() as i64);
                converter.convert(&self.packet, (start_ms, shown_ms), end_ms, output)?;
            }
            _ => {}
        }
        self.read()
    }
}

/// Cuts off what is shown before the start, or after the end in ticks; whether
/// there is anything left.
fn shorten(packet: &mut ffi::AVPacket, end: Option<i64>) -> bool {
    if packet.pts == ffi::AV_NOPTS_VALUE {
        return true;
    }
    let over = packet.pts.saturating_add(packet.duration.max(0));
    let is_gone = if packet.duration > 0 { over <= 0 } else { packet.pts < 0 };
    if is_gone || end.is_some_and(|end| packet.pts >= end) {
        return false;
    }
    if packet.duration > 0 {
        packet.duration = end.map_or(over, |end| over.min(end)) - packet.pts.max(0);
    }
    packet.pts = packet.pts.max(0);
    packet.dts = packet.pts;
    true
}

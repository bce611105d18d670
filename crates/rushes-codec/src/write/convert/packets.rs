//! Packets that are taken over, and subtitles that become another kind.

use ffmpeg::ffi;
use rushes_media::{Rational, Result};

use crate::Source;
use crate::av::input::{Input, Packet};
use crate::av::seconds;
use crate::write::output::Output;
use crate::write::subtitles::SubtitleConverter;

/// Where the packets of one stream go.
pub(super) enum Route {
    Copy { stream: usize, last_dts: Option<i64> },
    Subtitles(Box<SubtitleConverter>),
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
}

impl<'s> Copying<'s> {
    pub(super) fn open(source: &'s Source, routes: Vec<Option<Route>>) -> Result<Copying<'s>> {
        let mut input = Input::open(source)?;
        input.keep(&|at| routes.get(at).is_some_and(Option::is_some));
        // SAFETY: the input is open. AVI and others state no times of showing.
        unsafe { (*input.context()).flags |= ffi::AVFMT_FLAG_GENPTS };
        let start_secs = input.start_secs().map_or(0.0, Rational::to_f64);
        let packet = Packet::new()?;
        let mut copying =
            Copying { input, routes, packet, next_secs: None, start_secs, last_secs: 0.0 };
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

    /// Pictures that the codec of the packet in hand holds back to put them in
    /// order.
    fn held_back(&self) -> i64 {
        let stream = self.input.streams().get(self.packet.stream()).copied();
        // SAFETY: streams of an open input have parameters.
        stream.map_or(0, |stream| unsafe { (*(*stream).codecpar).video_delay.into() })
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
        match self.routes.get_mut(index) {
            Some(Some(Route::Copy { stream, last_dts })) => {
                // SAFETY: the packet is ours.
                let packet = unsafe { &mut *self.packet.0 };
                for ticks in [&mut packet.pts, &mut packet.dts] {
                    if *ticks != ffi::AV_NOPTS_VALUE {
                        *ticks -= shift;
                    }
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
                converter.convert(&self.packet, start_ms, shown_ms, output)?;
            }
            _ => {}
        }
        self.read()
    }
}

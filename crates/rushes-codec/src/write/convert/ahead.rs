//! How many frames a conversion will make, told before it begins.

use rushes_media::{Basis, Count, Probe, Rational};

use super::Conversion;
use super::flow::{frames_of, span};
use crate::write::cut::{Mark, ceil};
use crate::{FrameIndex, Source};

/// The index of a file up to this size takes no time to speak of.
const INDEXED_BYTES: u64 = 64 << 20;

/// The frames that are encoded.
pub(super) fn frames(source: &Source, wanted: &Conversion) -> Option<Count> {
    if source.size_bytes() <= INDEXED_BYTES {
        let index = FrameIndex::build(source, &mut |_| true).ok()?;
        let frames = frames_of(&index, span(&index, wanted).ok()?, wanted);
        return Some(Count { frames, basis: Basis::Counted });
    }
    let frames = estimated(&crate::probe(source).ok()?, wanted)?;
    Some(Count { frames, basis: Basis::Estimated })
}

/// As many as there are by the rate and the duration that are stated.
fn estimated(probe: &Probe, wanted: &Conversion) -> Option<u64> {
    let stream = probe.picture()?;
    let rate_hz = stream.frame_rate_hz;
    let all_secs = stream.duration_secs.or(probe.duration_secs);
    let secs = |mark: Mark| match mark {
        Mark::Secs(secs) => Some(secs),
        Mark::Frame(frame) => Rational::whole(i64::try_from(frame).ok()?).checked_div(rate_hz?),
    };
    let from = wanted.cut.from.map_or(Some(Rational::ZERO), secs)?;
    let to = wanted.cut.to.map_or(all_secs, secs)?;
    let to = all_secs.map_or(to, |all| all.min(to));
    let exact = to.checked_sub(from)?.checked_mul(wanted.rate_hz.or(rate_hz)?)?;
    let doubles = wanted.rate_hz.is_none() && wanted.deinterlacing.is_some_and(|how| how.both);
    let frames = u64::try_from(ceil(exact)).ok()?;
    frames.checked_mul(if doubles { 2 } else { 1 })
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use rushes_media::Limits;

    use super::*;
    use crate::Cut;

    #[test]
    fn an_estimate_is_near_the_count() {
        let path = "../../samples/media/Coast/a-day-on-the-coast.mp4";
        let source = Source::new(File::open(path).unwrap(), b"a.mp4", Limits::default()).unwrap();
        let probe = crate::probe(&source).unwrap();
        let secs = |secs| Some(Mark::Secs(Rational::whole(secs)));
        for (from, to) in [(None, None), (secs(1), None), (secs(1), secs(3)), (None, secs(900))] {
            let to_frame = Some(Mark::Frame(40));
            for to in [to, to_frame] {
                for rate_hz in [None, Some(Rational::whole(10))] {
                    let cut = Cut { from, to };
                    let wanted = Conversion { cut, rate_hz, ..Conversion::default() };
                    let counted = frames(&source, &wanted).unwrap();
                    assert_eq!(counted.basis, Basis::Counted);
                    let near = estimated(&probe, &wanted).unwrap();
                    assert!(near.abs_diff(counted.frames) <= 1, "{near}, {counted:?}: {wanted:?}");
                }
            }
        }
    }
}

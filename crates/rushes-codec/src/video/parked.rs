//! Decoders that stand where they were left: who jumps to and fro in a video comes
//! back to the same groups of pictures, and goes on there instead of beginning
//! again.

use super::reader::{KEPT_ON_THE_WAY_BYTES, Stretch};

/// What they may take together, with what the file's frames and packets are told by.
const PARKED_BYTES: usize = 160 << 20;
/// A frame in the index, and in the tables of its container with the sound beside it.
const FRAME_TOLD_BYTES: usize = 200;
/// Pictures that one holds, more or less: those that are referred to, and those
/// under way in its threads.
const PICTURES: usize = 12;
/// Decoders at most; each has its threads.
const MOST: usize = 4;

/// Stretches of decoding, the one that was left last at the end.
pub(super) struct Parked {
    stretches: Vec<Stretch>,
    most: usize,
}

impl Parked {
    /// For so many pictures of so many bytes.
    pub(super) fn of(frames: usize, picture_bytes: usize) -> Parked {
        let pictures_bytes = picture_bytes.saturating_mul(PICTURES);
        let each = pictures_bytes.saturating_add(KEPT_ON_THE_WAY_BYTES);
        let told_bytes = frames.saturating_mul(FRAME_TOLD_BYTES);
        let most = PARKED_BYTES.saturating_sub(told_bytes) / each;
        Parked { stretches: Vec::new(), most: most.min(MOST) }
    }

    /// For none at all.
    pub(super) fn none() -> Parked {
        Parked { stretches: Vec::new(), most: 0 }
    }

    /// Leaves a stretch here, as far as there is room; gives what has to go.
    pub(super) fn leave(&mut self, stretch: Stretch) -> Option<Stretch> {
        if !stretch.goes_on() {
            return Some(stretch);
        }
        self.stretches.push(stretch);
        if self.stretches.len() <= self.most {
            return None;
        }
        // Of two in the same group of pictures the older one; else the oldest.
        let again = |at: usize, of: &Stretch| {
            let later = self.stretches.iter().skip(at + 1);
            later.into_iter().any(|other| other.entry() == of.entry())
        };
        let goes = self.stretches.iter().enumerate().position(|(at, it)| again(at, it));
        Some(self.stretches.remove(goes.unwrap_or(0)))
    }

    /// The stretch that is nearest before, of those that `leads_to` it.
    pub(super) fn take(&mut self, leads_to: impl Fn(&Stretch) -> bool) -> Option<Stretch> {
        let leading = self.stretches.iter().enumerate().filter(|(_, it)| leads_to(it));
        let nearest = leading.max_by_key(|(_, it)| it.next())?.0;
        Some(self.stretches.remove(nearest))
    }

    /// Lets go of all of them.
    pub(super) fn clear(&mut self) {
        self.stretches.clear();
    }
}

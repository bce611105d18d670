//! The pages of a TIFF.

use rushes_media::{Error, Result};

use super::times::Times;
use super::{Pictures, STILLS_HZ, Sequence, Taken, WHAT};
use crate::still::Pages;
use crate::{Source, still_frame};

/// A TIFF whose pages are frames.
#[derive(Debug)]
struct TiffPages {
    source: Source,
    pages: Pages,
}

/// The pages of a TIFF, of which there is one at least.
pub(super) fn open(source: Source, pages: Pages) -> Result<Sequence> {
    let times = Times::even(STILLS_HZ, pages.pages.len())?;
    let cut = "the file ends early: pages are missing; copy it again from its origin";
    let warnings = pages.is_cut.then(|| cut.to_owned()).into_iter().collect();
    let pictures = Box::new(TiffPages { source, pages });
    let (has_times, epoch_secs) = (false, None);
    Ok(Sequence { pictures, times, has_times, epoch_secs, warnings })
}

impl Pictures for TiffPages {
    fn count(&self) -> usize {
        self.pages.pages.len()
    }

    fn picture(&self, i: usize) -> Result<Taken> {
        let page = self.pages.pages.get(i).ok_or_else(|| Error::bug(WHAT, "no such page"))?;
        let alone = self.pages.alone(&self.source, *page);
        let frame = still_frame(&alone)?;
        // The file's tags are those of its first page.
        Ok(Taken { frame, still: (i == 0).then_some(alone) })
    }

    fn name(&self, i: usize) -> String {
        format!("page {}", i + 1)
    }
}

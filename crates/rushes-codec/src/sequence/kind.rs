//! Which files hold pictures in a row.

use rushes_media::Result;

use super::files::Shelf;
use super::{Sequence, hiris, norpix, pages, webp};
use crate::av::AnimatedWebP;
use crate::still::Pages;
use crate::{Source, av, still};

/// A kind of file that holds pictures in a row which libav does not play.
pub(crate) enum Kind {
    Norpix,
    Hiris,
    WebP(AnimatedWebP),
    Pages(Pages),
}

impl Kind {
    /// By its content, which begins like this; `None` when it is another.
    ///
    /// # Errors
    /// `Corrupt` for a TIFF whose pages cannot be found.
    pub(crate) fn of(source: &Source, head: &[u8]) -> Result<Option<Kind>> {
        if norpix::is_norpix(head) {
            return Ok(Some(Kind::Norpix));
        }
        if hiris::is_hiris(head) {
            return Ok(Some(Kind::Hiris));
        }
        if let Some(animated) = AnimatedWebP::find(source, head) {
            return Ok(Some(Kind::WebP(animated)));
        }
        if is_film(source, head) {
            return Ok(None);
        }
        let pages = still::tiff_pages(source, head).transpose()?;
        Ok(pages.filter(|pages| pages.pages.len() > 1).map(Kind::Pages))
    }

    /// The pictures of a file of this kind; frames of a recording by Hiris are
    /// in those beside it.
    pub(crate) fn open(
        self,
        source: Source,
        head: &[u8],
        beside: impl Shelf + 'static,
    ) -> Result<Sequence> {
        match self {
            Kind::Norpix => norpix::open(source, head),
            Kind::Hiris => hiris::open(&source, beside),
            Kind::WebP(animated) => webp::open(source, animated),
            Kind::Pages(pages) => pages::open(source, pages),
        }
    }
}

/// Whether the content is one picture.
pub(crate) fn is_still(source: &Source, head: &[u8]) -> bool {
    !is_film(source, head) && (still::is_still(source, head) || av::is_still(source))
}

/// Whether libav plays it although it begins as a still does.
fn is_film(source: &Source, head: &[u8]) -> bool {
    av::is_animation(source, head) || is_bare_motion_jpeg(source)
}

/// A bare stream of JPEGs begins as a JPEG does; its name tells them apart.
fn is_bare_motion_jpeg(source: &Source) -> bool {
    matches!(source.extension(), "mjpeg" | "mjpg")
}

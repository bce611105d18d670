//! What a path or bytes hold, decided once: by content, not by name.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rushes_media::{Error, ErrorKind, Frame, FrameStream, Limits, Result};

use crate::sequence::{Kind, is_hiris, is_still};
use crate::{
    AudioOptions, AudioReader, FrameReader, Orientation, Sequence, SequenceFiles, SequenceReader,
    SequenceStream, Shelf, Source, VideoOptions, VideoStream, open_file, still_frame, upright,
};

/// Opens what is at a path, as [`Media::open`] does, under the default limits.
///
/// ```
/// use rushes_codec::{VideoOptions, open};
///
/// # fn main() -> rushes_media::Result<()> {
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples/media/Coast/moonrise.jpg");
/// // A video, a still, "shot.%04d.exr", a folder...: the same four lines.
/// let mut reader = open(path)?.frames(VideoOptions::default(), None)?;
/// while let Some(frame) = reader.next()? {
///     assert_eq!((frame.width_px(), frame.height_px()), (reader.width_px(), reader.height_px()));
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As for [`Media::open`].
pub fn open(path: impl AsRef<Path>) -> Result<Media> {
    Media::open(path.as_ref(), Limits::default(), || true)
}

/// What was found, as the reader that it wants: headers have been looked at, and
/// nothing was decoded.
#[derive(Debug)]
pub enum Media {
    /// One picture: [`still_frame`] decodes it.
    Still(Source),
    /// Pictures in a row that libav does not play: stills, numbered or in a
    /// folder, an array (Zarr v3), the pages of a TIFF, an animated WebP, a
    /// recording by StreamPix (Norpix) or Hiris (R&D Vision).
    Sequence(Sequence),
    /// What libav is to play: video, sound or both, animated GIF, PNG and AVIF
    /// too. Whether it can is only known once it is read, by [`Media::frames`],
    /// [`Media::sound`] or [`crate::probe`].
    Played(Source),
}

impl Media {
    /// Opens what is at a path: a file; a folder of stills of one format, or one
    /// that is an array (Zarr v3); a pattern (`shot.%04d.exr`, `shot.####.exr`) or
    /// wildcards (`*`, `?`) in place of a name. `goes_on` is asked now and then,
    /// while it is opened and read, whether to go on.
    ///
    /// # Errors
    /// `NotFound` when nothing is there, `Invalid` for a folder of several
    /// formats, `Corrupt` when headers contradict the file, `Unsupported` for
    /// kinds of recordings and arrays that are not read here, `Limit` when there
    /// are too many pictures, `Unavailable` when `goes_on` said to stop.
    pub fn open(
        path: &Path,
        limits: Limits,
        goes_on: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Result<Media> {
        let opened = || {
            if let Some(files) = SequenceFiles::at(path)? {
                return Sequence::of_files(files, limits).map(Media::Sequence);
            }
            let source = Source::new(open_file(path)?, path.as_os_str().as_bytes(), limits)?
                .watched(goes_on);
            Media::with_files(source, SequenceFiles::beside(path)?)
        };
        opened().map_err(|error: Error| error.at(path))
    }

    /// What one source holds, which is under its own watch and limits.
    ///
    /// # Errors
    /// As for [`Media::open`]; `Unsupported` for a recording by Hiris, whose
    /// frames are in other files.
    pub fn of(source: Source) -> Result<Media> {
        if is_hiris(&source.head()?) {
            let why = "its frames are in files beside it";
            return Err(Error::new(ErrorKind::Unsupported, "reading the sequence", why)
                .remedy("open it by its path"));
        }
        Media::with_files(source, SequenceFiles::none())
    }

    /// What a source holds, and the files beside it that [`SequenceFiles::beside`]
    /// names.
    ///
    /// # Errors
    /// As for [`Media::open`].
    pub fn with_files(source: Source, beside: impl Shelf + 'static) -> Result<Media> {
        if let Some(empty) = crate::av::is_empty(&source) {
            return Err(empty);
        }
        let head = source.head()?;
        if let Some(kind) = Kind::of(&source, &head)? {
            return kind.open(source, &head, beside).map(Media::Sequence);
        }
        let is_still = is_still(&source, &head);
        Ok(if is_still { Media::Still(source) } else { Media::Played(source) })
    }

    /// The pictures that libav does not play, a still as a sequence of one; `None`
    /// for what it does.
    ///
    /// # Errors
    /// `Bug` only.
    pub fn sequence(self) -> Result<Option<Sequence>> {
        match self {
            Media::Still(source) => Sequence::of_still(source).map(Some),
            Media::Sequence(sequence) => Ok(Some(sequence)),
            Media::Played(_) => Ok(None),
        }
    }

    /// A reader of any frame, in any order. All of a video is walked once, packet
    /// by packet, to know its frames; [`FrameReader::of_video`] takes an index that
    /// was kept. `orientation` says how stills are set upright, as for
    /// [`SequenceReader::open`].
    ///
    /// # Errors
    /// `Unsupported` when it has no pictures, `Corrupt` when not one of them can
    /// be decoded, and those of [`crate::VideoReader::open`] and
    /// [`SequenceReader::open`].
    pub fn frames(
        self,
        options: VideoOptions,
        orientation: Option<Orientation>,
    ) -> Result<FrameReader> {
        let sequence = match self {
            Media::Played(source) => return FrameReader::of_played(source, options),
            Media::Still(source) => Sequence::of_still(source)?,
            Media::Sequence(sequence) => sequence,
        };
        SequenceReader::open(sequence.into(), options, orientation).map(FrameReader::from)
    }

    /// Its frames from the first to the last, upright, 8 or 16 bits as they are
    /// stored: RGB of what libav plays, else also grey and RGBA. A still has no
    /// time and no end. `threads` decode video; `orientation` says how stills are
    /// set upright.
    ///
    /// # Errors
    /// As for [`Media::frames`].
    pub fn stream(
        self,
        threads: u32,
        orientation: Option<Orientation>,
    ) -> Result<Box<dyn FrameStream>> {
        match self {
            Media::Still(source) => {
                let (degrees, is_mirrored) = match orientation {
                    Some(orientation) => orientation(&source)?,
                    None => (0, false),
                };
                let frame = upright(still_frame(&source)?, degrees, is_mirrored)?;
                Ok(Box::new(Once(Some(frame))))
            }
            Media::Sequence(sequence) => {
                let span = sequence.span();
                let stream = SequenceStream::open(sequence.into(), orientation, true, span)?;
                Ok(Box::new(stream))
            }
            Media::Played(source) => {
                let options = VideoOptions { threads, ..VideoOptions::default() };
                Ok(Box::new(VideoStream::open(source, options)?))
            }
        }
    }

    /// A reader of its first sound.
    ///
    /// # Errors
    /// `Unsupported` when it has none, and those of [`AudioReader::open`].
    pub fn sound(&self, options: AudioOptions) -> Result<AudioReader<'_>> {
        match self {
            Media::Played(source) => AudioReader::open(source, options),
            Media::Still(_) | Media::Sequence(_) => {
                let why = "pictures have no sound";
                Err(Error::new(ErrorKind::Unsupported, "reading the sound", why))
            }
        }
    }
}

/// A picture, once.
struct Once(Option<Frame>);

impl FrameStream for Once {
    fn next_frame(&mut self) -> Result<Option<Frame>> {
        Ok(self.0.take())
    }
}

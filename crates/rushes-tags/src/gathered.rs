use crate::tiff::Directory;

/// The pieces of metadata that a container held, not yet interpreted.
#[derive(Default)]
pub(crate) struct Gathered {
    /// EXIF structures, the most telling first.
    pub exif: Vec<ExifPart>,
    /// XMP packets.
    pub xmp: Vec<Vec<u8>>,
    /// IPTC blocks.
    pub iptc: Vec<Vec<u8>>,
    /// The ICC profile.
    pub icc: Option<Vec<u8>>,
    /// The container's own texts by name.
    pub texts: Vec<(String, String)>,
}

/// One EXIF structure.
pub(crate) struct ExifPart {
    pub bytes: ExifBytes,
    /// What the tags of its first directory mean.
    pub main: Directory,
}

/// Where an EXIF structure is.
pub(crate) enum ExifBytes {
    /// Copied out.
    Memory(Vec<u8>),
    /// In the file, from here to the end.
    File(u64),
}

impl Gathered {
    /// Adds an EXIF structure, with or without the head it has in JPEG.
    pub(crate) fn add_exif(&mut self, mut bytes: Vec<u8>) {
        if bytes.starts_with(b"Exif\0") {
            bytes.drain(..6.min(bytes.len()));
        }
        self.exif.push(ExifPart { bytes: ExifBytes::Memory(bytes), main: Directory::Main });
    }
}

//! Embedded metadata as the bytes that files carry.

/// A kind of metadata that stills carry as a block of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// EXIF (CIPA DC-008), from its TIFF header on.
    Exif,
    /// The XMP packet (ISO 16684-1).
    Xmp,
    /// The rest of XMP that is larger than a segment of JPEG (XMP
    /// specification part 3, section 1.1.3.1).
    ExtendedXmp,
    /// IPTC-IIM datasets.
    Iptc,
    /// An ICC profile (ICC.1:2022).
    Icc,
}

impl Block {
    /// Every kind.
    pub const ALL: [Block; 5] =
        [Block::Exif, Block::Xmp, Block::ExtendedXmp, Block::Iptc, Block::Icc];

    /// What people call it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Block::Exif => "EXIF",
            Block::Xmp => "XMP",
            Block::ExtendedXmp => "extended XMP",
            Block::Iptc => "IPTC",
            Block::Icc => "ICC profile",
        }
    }
}

/// The blocks of one still, not interpreted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blocks {
    exif: Option<Vec<u8>>,
    xmp: Option<Vec<u8>>,
    extended_xmp: Option<Vec<u8>>,
    iptc: Option<Vec<u8>>,
    icc: Option<Vec<u8>>,
}

impl Blocks {
    /// The block of this kind.
    #[must_use]
    pub fn get(&self, block: Block) -> Option<&[u8]> {
        match block {
            Block::Exif => self.exif.as_deref(),
            Block::Xmp => self.xmp.as_deref(),
            Block::ExtendedXmp => self.extended_xmp.as_deref(),
            Block::Iptc => self.iptc.as_deref(),
            Block::Icc => self.icc.as_deref(),
        }
    }

    /// The place of this kind, to be filled, changed or emptied.
    pub fn place(&mut self, block: Block) -> &mut Option<Vec<u8>> {
        match block {
            Block::Exif => &mut self.exif,
            Block::Xmp => &mut self.xmp,
            Block::ExtendedXmp => &mut self.extended_xmp,
            Block::Iptc => &mut self.iptc,
            Block::Icc => &mut self.icc,
        }
    }

    /// The kinds that are there.
    pub fn kinds(&self) -> impl Iterator<Item = Block> {
        Block::ALL.into_iter().filter(|&block| self.get(block).is_some())
    }
}

/// Whether a tag of TIFF's first directory tells of the picture and its making,
/// and not of how its numbers are stored: what goes along into another file.
#[must_use]
pub fn is_of_the_picture(tag: u16) -> bool {
    matches!(
        tag,
        // Description, make, model, orientation, resolution, software, date, artist.
        0x010e | 0x010f | 0x0110 | 0x0112 | 0x011a | 0x011b | 0x0128 | 0x0131 | 0x0132
            | 0x013b | 0x013c
            // Rating, copyright, what Windows writes, the camera's model in DNG.
            | 0x4746 | 0x4749 | 0x8298 | 0x9c9b..=0x9c9f | 0xc614
    )
}

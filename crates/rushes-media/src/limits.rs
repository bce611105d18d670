use serde::{Deserialize, Serialize};

/// What one input may cost. Limits travel with the source and are spent along
/// the way, never reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Address space of the process that reads the input.
    pub memory_bytes: u64,
    /// Processor time for one input.
    pub cpu_secs: u64,
    /// Wall-clock time for one input.
    pub wall_secs: u64,
    /// Pixels of one picture, width times height.
    pub pixels: u64,
    /// Width or height of one picture.
    pub side_px: u32,
    /// Bytes of one decoded picture.
    pub picture_bytes: u64,
    /// Streams in one container.
    pub streams: u32,
    /// Bytes of one embedded tag.
    pub tag_bytes: u64,
    /// Bytes of all text that a probe returns.
    pub text_bytes: u64,
    /// Directories (IFDs) walked in one TIFF structure.
    pub directories: u32,
    /// Depth of nested boxes.
    pub depth: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            memory_bytes: 1 << 30,
            cpu_secs: 60,
            wall_secs: 120,
            pixels: 150_000_000,
            side_px: 65_535,
            picture_bytes: 512 << 20,
            streams: 64,
            tag_bytes: 16 << 20,
            text_bytes: 2 << 20,
            directories: 1_000,
            depth: 32,
        }
    }
}

impl Limits {
    /// Whether a picture of this size is within the limits; the error says
    /// which one it breaks.
    ///
    /// # Errors
    /// `Limit` when a side, the pixel count or the bytes are too many,
    /// `Corrupt` when a side is zero.
    pub fn check_picture(
        &self,
        width_px: u64,
        height_px: u64,
        pixel_bytes: u64,
    ) -> crate::Result<()> {
        use crate::{Error, ErrorKind};
        if width_px == 0 || height_px == 0 {
            let why = format!("it states {width_px}x{height_px} pixels");
            return Err(Error::new(ErrorKind::Corrupt, "reading the picture's size", why));
        }
        let pixels = width_px.saturating_mul(height_px);
        let bytes = pixels.saturating_mul(pixel_bytes);
        let side = u64::from(self.side_px);
        if width_px > side || height_px > side || pixels > self.pixels || bytes > self.picture_bytes
        {
            let limits = [(self.pixels, "pixels"), (side, "a side"), (self.picture_bytes, "bytes")];
            // A limit that is not set says nothing.
            let limits: Vec<String> = limits
                .iter()
                .filter(|(limit, _)| *limit != u64::MAX)
                .map(|(limit, of)| format!("{limit} {of}"))
                .collect();
            let why = format!(
                "{width_px}x{height_px} pixels ({bytes} bytes) is over the limit of {}",
                limits.join(", ")
            );
            return Err(Error::new(ErrorKind::Limit, "making room for the picture", why));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn only_limits_that_are_set_are_told() {
        let limits = Limits { pixels: u64::MAX, picture_bytes: u64::MAX, ..Limits::default() };
        let error = limits.check_picture(70_000, 1, 3).unwrap_err();
        assert_eq!(error.why, "70000x1 pixels (210000 bytes) is over the limit of 65535 a side");
    }

    #[test]
    fn just_under_and_just_over() {
        let limits = Limits { pixels: 100, side_px: 50, picture_bytes: 300, ..Limits::default() };
        assert!(limits.check_picture(10, 10, 3).is_ok());
        assert_eq!(limits.check_picture(101, 1, 1).unwrap_err().kind, ErrorKind::Limit);
        assert_eq!(limits.check_picture(51, 1, 1).unwrap_err().kind, ErrorKind::Limit);
        assert_eq!(limits.check_picture(10, 10, 4).unwrap_err().kind, ErrorKind::Limit);
        assert_eq!(limits.check_picture(0, 10, 3).unwrap_err().kind, ErrorKind::Corrupt);
        assert_eq!(
            limits.check_picture(u64::MAX, u64::MAX, u64::MAX).unwrap_err().kind,
            ErrorKind::Limit
        );
    }
}

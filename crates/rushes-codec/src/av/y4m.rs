//! The header of YUV4MPEG2, as mjpegtools have it, with FFmpeg's depths.

/// What the first line says of each frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Y4m {
    pub(super) width_px: u64,
    pub(super) height_px: u64,
    /// Bytes of the first line.
    header_bytes: u64,
    /// Bytes of a frame and the word before it; `None` when that cannot be told.
    frame_bytes: Option<u64>,
}

/// The word before a frame that says nothing of its own.
const FRAME: &[u8] = b"FRAME\n";

impl Y4m {
    /// `None` when it does not begin so.
    pub(super) fn of(head: &[u8]) -> Option<Y4m> {
        let end = head.iter().position(|&byte| byte == b'\n')?;
        let (line, rest) = head.split_at_checked(end + 1)?;
        let line = std::str::from_utf8(line).ok()?.trim_end();
        let mut words = line.strip_prefix("YUV4MPEG2 ")?.split(' ');
        let (mut width_px, mut height_px, mut colors) = (None, None, "420");
        for word in &mut words {
            match word.split_at_checked(1) {
                Some(("W", width)) => width_px = width.parse().ok(),
                Some(("H", height)) => height_px = height.parse().ok(),
                Some(("C", named)) => colors = named,
                _ => {}
            }
        }
        let (width_px, height_px) = (width_px?, height_px?);
        let picture_bytes = picture_bytes(width_px, height_px, colors);
        let is_plain = rest.starts_with(FRAME);
        let frame_bytes = picture_bytes
            .filter(|_| is_plain)
            .and_then(|bytes| bytes.checked_add(FRAME.len() as u64));
        Some(Y4m { width_px, height_px, header_bytes: end as u64 + 1, frame_bytes })
    }

    /// Bytes behind the last whole frame of a file of this size.
    pub(super) fn rest_bytes(&self, size_bytes: u64) -> Option<u64> {
        size_bytes.checked_sub(self.header_bytes)?.checked_rem(self.frame_bytes?)
    }
}

/// Bytes of one picture, by the name of its sampling.
fn picture_bytes(width_px: u64, height_px: u64, colors: &str) -> Option<u64> {
    let (across, down, planes, depth) = match colors.split_at_checked(3)? {
        ("420", depth) => (2, 2, 2, depth),
        ("422", depth) => (2, 1, 2, depth),
        ("411", depth) => (4, 1, 2, depth),
        ("444", "alpha") => (1, 1, 3, ""),
        ("444", depth) => (1, 1, 2, depth),
        ("mon", depth) => (1, 1, 0, depth.strip_prefix('o')?),
        _ => return None,
    };
    // Words behind 4:2:0 say where its chroma lies.
    let number_bytes = match depth.trim_start_matches('p').parse::<u32>() {
        Ok(9..=16) => 2,
        Ok(_) => return None,
        Err(_) => 1,
    };
    let chroma = width_px.div_ceil(across).checked_mul(height_px.div_ceil(down))?;
    let numbers = width_px.checked_mul(height_px)?.checked_add(chroma.checked_mul(planes)?)?;
    numbers.checked_mul(number_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_as_large_as_their_sampling_says() {
        for (colors, bytes) in [
            ("", 33 * 17 + 2 * 17 * 9),
            (" C420jpeg", 33 * 17 + 2 * 17 * 9),
            (" C420p10 XYSCSS=420P10", 2 * (33 * 17 + 2 * 17 * 9)),
            (" C422", 33 * 17 + 2 * 17 * 17),
            (" C411", 33 * 17 + 2 * 9 * 17),
            (" C444p16", 2 * 3 * 33 * 17),
            (" C444alpha", 4 * 33 * 17),
            (" Cmono", 33 * 17),
            (" Cmono12", 2 * 33 * 17),
        ] {
            let head = format!("YUV4MPEG2 W33 H17 F25:1{colors}\nFRAME\n");
            let header = head.len() as u64 - 6;
            let found = Y4m::of(head.as_bytes()).unwrap();
            assert_eq!((found.width_px, found.height_px), (33, 17));
            assert_eq!(found.rest_bytes(header + 3 * (bytes + 6)), Some(0), "{colors}");
            assert_eq!(found.rest_bytes(header + 3 * (bytes + 6) + 1), Some(1), "{colors}");
        }
        let unknown = Y4m::of(b"YUV4MPEG2 W33 H17 Cnew\nFRAME\n").unwrap();
        assert_eq!(unknown.rest_bytes(99), None);
        let huge = Y4m::of(b"YUV4MPEG2 W99999999999 H99999999999\nFRAME\n").unwrap();
        assert_eq!(huge.rest_bytes(99), None);
        let told = Y4m::of(b"YUV4MPEG2 W33 H17\nFRAME Ip\n").unwrap();
        assert_eq!(told.rest_bytes(99), None);
        assert_eq!(Y4m::of(b"YUV4MPEG2 W33"), None);
        assert_eq!(Y4m::of(b"YUV4MPEG2 W33\n"), None);
    }
}

//! Animated WebP (RFC 9649, section 2.7.1.1): each frame as it is shown, laid
//! over those before it on a canvas that is clear at first.

use std::io::Cursor;
use std::sync::{Mutex, TryLockError};

use image::codecs::webp::WebPDecoder;
use image::{ColorType, ImageDecoder};
use rushes_media::{Error, Frame, Layout, Limits, Result, Values};

use super::times::Times;
use super::{Pictures, Sequence, Taken, WHAT, bytes, corrupt};
use crate::Source;
use crate::av::{AnimatedWebP, WebPFrame};

/// Frames build on each other: going back begins anew.
#[derive(Debug)]
struct WebP {
    source: Source,
    animated: AnimatedWebP,
    playing: Mutex<Option<Player>>,
}

pub(super) fn open(source: Source, animated: AnimatedWebP) -> Result<Sequence> {
    let mut starts = Vec::with_capacity(animated.frames.len());
    let mut now = 0_i64;
    for frame in &animated.frames {
        starts.push(now);
        now += i64::from(frame.lasts_ms);
    }
    let last = animated.frames.last().map_or(0, |frame| frame.lasts_ms);
    let times = Times::listed(1000, starts, last.into())
        .ok_or_else(|| Error::bug("reading the times", "they fall"))?;
    let pictures = Box::new(WebP { source, animated, playing: Mutex::new(None) });
    let (has_times, epoch_secs, warnings) = (true, None, Vec::new());
    Ok(Sequence { pictures, times, has_times, epoch_secs, warnings })
}

impl Pictures for WebP {
    fn count(&self) -> usize {
        self.animated.frames.len()
    }

    fn picture(&self, i: usize) -> Result<Taken> {
        // Where another one plays it, or did when this process was forked, it
        // is played from the start.
        let mut own = None;
        let mut guard = match self.playing.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        let playing = guard.as_deref_mut().unwrap_or(&mut own);
        let mut player = match playing.take().filter(|player| player.next <= i) {
            Some(player) => player,
            None => Player::new(&self.animated, self.source.limits())?,
        };
        while player.next <= i {
            self.source.goes_on(WHAT)?;
            player.step(&self.source)?;
        }
        let (width_px, height_px) = player.size_px;
        let values = Values::U8(player.canvas.clone());
        *playing = Some(player);
        Ok(Taken { frame: Frame::new(width_px, height_px, Layout::Rgba, values)?, still: None })
    }
}

/// Plays an animation frame by frame.
#[derive(Debug)]
pub(crate) struct Player {
    frames: Vec<WebPFrame>,
    size_px: (u32, u32),
    /// Red, green, blue and opacity of each pixel.
    canvas: Vec<u8>,
    /// The frame that comes next.
    next: usize,
}

impl Player {
    pub(crate) fn new(animated: &AnimatedWebP, limits: &Limits) -> Result<Player> {
        let (width_px, height_px) = (animated.width_px, animated.height_px);
        limits.check_picture(width_px.into(), height_px.into(), 4)?;
        Ok(Player {
            frames: animated.frames.clone(),
            size_px: (width_px, height_px),
            canvas: vec![0; width_px as usize * height_px as usize * 4],
            next: 0,
        })
    }

    /// What is shown, `[H, W, 4]`.
    pub(crate) fn canvas(&self) -> &[u8] {
        &self.canvas
    }

    /// Goes on by one frame.
    pub(crate) fn step(&mut self, source: &Source) -> Result<()> {
        let i = self.next;
        let Some(&frame) = self.frames.get(i) else {
            return Err(Error::bug(WHAT, "no such frame"));
        };
        let fits = |start: u32, side: u32, whole: u32| {
            start.checked_add(side).is_some_and(|end| end <= whole)
        };
        let (width, height) = self.size_px;
        if !fits(frame.left, frame.width_px, width) || !fits(frame.top, frame.height_px, height) {
            return Err(corrupt(format!("frame {i} lies beyond the canvas")));
        }
        let pixels = decoded(source, &frame)?;
        let before = i.checked_sub(1).and_then(|before| self.frames.get(before)).copied();
        if let Some(before) = before.filter(|before| before.is_cleared) {
            self.rows(&before).for_each(|row| row.fill(0));
        }
        let row_bytes = frame.width_px as usize * 4;
        for (row, given) in self.rows(&frame).zip(pixels.chunks_exact(row_bytes)) {
            if frame.blends {
                let places = row.as_chunks_mut::<4>().0.iter_mut();
                for (place, &pixel) in places.zip(given.as_chunks::<4>().0) {
                    *place = over(pixel, *place);
                }
            } else {
                row.copy_from_slice(given);
            }
        }
        self.next = i + 1;
        Ok(())
    }

    /// The part of each row that a frame covers, which lies within the canvas.
    fn rows(&mut self, frame: &WebPFrame) -> impl Iterator<Item = &mut [u8]> {
        let (left, wide) = (frame.left as usize * 4, frame.width_px as usize * 4);
        let rows = self.canvas.chunks_exact_mut(self.size_px.0 as usize * 4);
        rows.skip(frame.top as usize)
            .take(frame.height_px as usize)
            .filter_map(move |row| row.get_mut(left..left + wide))
    }
}

/// A pixel laid over another, neither with its opacity multiplied in.
fn over(pixel: [u8; 4], under: [u8; 4]) -> [u8; 4] {
    let (alpha, below) = (u32::from(pixel[3]), u32::from(under[3]));
    if alpha == 255 || below == 0 {
        return pixel;
    }
    // In parts of 255 * 255.
    let shines = below * (255 - alpha);
    let all = alpha * 255 + shines;
    let mixed = |over: u8, under: u8| {
        ((u32::from(over) * alpha * 255 + u32::from(under) * shines + all / 2) / all) as u8
    };
    let [red, green, blue, _] = pixel;
    let opacity = ((all + 127) / 255) as u8;
    [mixed(red, under[0]), mixed(green, under[1]), mixed(blue, under[2]), opacity]
}

/// A frame's own pixels, decoded as a WebP of its own.
fn decoded(source: &Source, frame: &WebPFrame) -> Result<Vec<u8>> {
    let limits = source.limits();
    limits.check_picture(frame.width_px.into(), frame.height_px.into(), 4)?;
    if frame.length > limits.picture_bytes {
        return Err(corrupt(format!("a frame of it has {} bytes", frame.length)));
    }
    let coded = bytes(source, frame.at, frame.length)?;
    let mut file = b"RIFF\0\0\0\0WEBP".to_vec();
    if coded.starts_with(b"ALPH") {
        // Opacity in a chunk of its own asks for the extended header.
        file.extend(b"VP8X\x0a\0\0\0\x10\0\0\0");
        for side in [frame.width_px, frame.height_px] {
            file.extend((side - 1).to_le_bytes().iter().take(3));
        }
    }
    file.extend(coded);
    let length = u32::try_from(file.len() - 8).unwrap_or(u32::MAX);
    if let Some(place) = file.get_mut(4..8) {
        place.copy_from_slice(&length.to_le_bytes());
    }
    let broken = |error: image::ImageError| corrupt(error.to_string().to_lowercase());
    let decoder = WebPDecoder::new(Cursor::new(file)).map_err(broken)?;
    if decoder.dimensions() != (frame.width_px, frame.height_px) {
        return Err(corrupt("a frame has another size than is stated"));
    }
    let has_alpha = decoder.color_type() == ColorType::Rgba8;
    let mut pixels = vec![0; usize::try_from(decoder.total_bytes()).unwrap_or(usize::MAX)];
    decoder.read_image(&mut pixels).map_err(broken)?;
    if has_alpha {
        return Ok(pixels);
    }
    let opaque = |&[red, green, blue]: &[u8; 3]| [red, green, blue, 255];
    Ok(pixels.as_chunks::<3>().0.iter().flat_map(opaque).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_over_others() {
        assert_eq!(over([1, 2, 3, 255], [9, 9, 9, 255]), [1, 2, 3, 255]);
        assert_eq!(over([1, 2, 3, 0], [9, 8, 7, 255]), [9, 8, 7, 255]);
        assert_eq!(over([255, 0, 0, 128], [0, 0, 255, 255]), [128, 0, 127, 255]);
        assert_eq!(over([200, 0, 0, 100], [0, 0, 0, 0]), [200, 0, 0, 100]);
        assert_eq!(over([200, 0, 0, 128], [0, 100, 0, 128]), [134, 33, 0, 192]);
    }
}

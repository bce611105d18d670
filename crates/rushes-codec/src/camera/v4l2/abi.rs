//! Records and numbers of the kernel's `linux/videodev2.h`, those that are used here.

use std::ffi::c_int;
use std::marker::PhantomData;
use std::mem::{size_of, zeroed};

use rushes_media::Rational;

/// A question of the kernel's, with the record that goes with it.
pub(super) struct Question<T>(u32, PhantomData<T>);

impl<T> Question<T> {
    /// Direction and size as `linux/ioctl.h` has them for x86, ARM and RISC-V.
    const fn new(writes: bool, reads: bool, number: u8) -> Question<T> {
        let direction = (writes as u32) | (reads as u32) << 1;
        let letter = (b'V' as u32) << 8;
        Question(
            direction << 30 | (size_of::<T>() as u32) << 16 | letter | number as u32,
            PhantomData,
        )
    }

    pub(super) fn number(&self) -> u32 {
        self.0
    }
}

pub(super) const QUERYCAP: Question<Capability> = Question::new(false, true, 0);
pub(super) const ENUM_FMT: Question<FormatDescription> = Question::new(true, true, 2);
pub(super) const S_FMT: Question<Format> = Question::new(true, true, 5);
pub(super) const REQBUFS: Question<Request> = Question::new(true, true, 8);
pub(super) const QUERYBUF: Question<Buffer> = Question::new(true, true, 9);
pub(super) const QBUF: Question<Buffer> = Question::new(true, true, 15);
pub(super) const DQBUF: Question<Buffer> = Question::new(true, true, 17);
pub(super) const STREAMON: Question<u32> = Question::new(true, false, 18);
pub(super) const STREAMOFF: Question<u32> = Question::new(true, false, 19);
pub(super) const G_PARM: Question<Parameters> = Question::new(true, true, 21);
pub(super) const S_PARM: Question<Parameters> = Question::new(true, true, 22);
pub(super) const ENUM_FRAMESIZES: Question<FrameSizes> = Question::new(true, true, 74);
pub(super) const ENUM_FRAMEINTERVALS: Question<FrameIntervals> = Question::new(true, true, 75);

pub(super) const CAP_VIDEO_CAPTURE: u32 = 0x1;
pub(super) const CAP_VIDEO_CAPTURE_MPLANE: u32 = 0x1000;
pub(super) const CAP_STREAMING: u32 = 0x0400_0000;
pub(super) const CAP_DEVICE_CAPS: u32 = 0x8000_0000;
/// `V4L2_BUF_TYPE_VIDEO_CAPTURE`
pub(super) const CAPTURE: u32 = 1;
/// `V4L2_MEMORY_MMAP`
pub(super) const SHARED: u32 = 1;
/// Of sizes and intervals: one, and not all between two.
pub(super) const DISCRETE: u32 = 1;
pub(super) const PRIVATE_MAGIC: u32 = 0xfeed_cafe;
pub(super) const COLORSPACE_JPEG: u32 = 7;
pub(super) const FULL_RANGE: u32 = 1;
pub(super) const LIMITED_RANGE: u32 = 2;
pub(super) const FLAG_ERROR: u32 = 0x40;
pub(super) const FLAG_CLOCK: u32 = 0xe000;
pub(super) const FLAG_MONOTONIC: u32 = 0x2000;

/// A record that may be all zeros, and any bytes.
///
/// # Safety
/// It consists of numbers alone.
pub(super) unsafe trait Record: Sized {
    fn zeroed() -> Self {
        // SAFETY: promised by who implements it.
        unsafe { zeroed() }
    }
}

macro_rules! records {
    ($($name:ident: $bytes:literal),+ $(,)?) => {$(
        // SAFETY: its fields are numbers, or records of these.
        unsafe impl Record for $name {}
        #[cfg(target_pointer_width = "64")]
        const _: () = assert!(size_of::<$name>() == $bytes);
    )+};
}

records! {
    Capability: 104, FormatDescription: 64, FrameSizes: 44, FrameIntervals: 52, Format: 208,
    Parameters: 204, Request: 20, Buffer: 88,
}

// SAFETY: it is a number.
unsafe impl Record for u32 {}

#[repr(C)]
pub(super) struct Capability {
    _driver: [u8; 16],
    pub card: [u8; 32],
    _bus: [u8; 32],
    _version: u32,
    pub capabilities: u32,
    pub device_caps: u32,
    _reserved: [u32; 3],
}

#[repr(C)]
pub(super) struct FormatDescription {
    pub index: u32,
    pub kind: u32,
    _flags: u32,
    _description: [u8; 32],
    pub pixelformat: u32,
    _bus_code: u32,
    _reserved: [u32; 3],
}

#[repr(C)]
pub(super) struct FrameSizes {
    pub index: u32,
    pub pixel_format: u32,
    pub kind: u32,
    /// Width and height, or of each the least, the most and the step.
    pub sides: [u32; 6],
    _reserved: [u32; 2],
}

/// Seconds.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub(super) struct Fraction {
    pub numerator: u32,
    pub denominator: u32,
}

impl Fraction {
    /// Frames a second, of the seconds between them.
    pub(super) fn rate_hz(self) -> Option<Rational> {
        Rational::new(self.denominator.into(), self.numerator.into())
            .filter(|rate| *rate > Rational::ZERO)
    }
}

#[repr(C)]
pub(super) struct FrameIntervals {
    pub index: u32,
    pub pixel_format: u32,
    pub width: u32,
    pub height: u32,
    pub kind: u32,
    /// One, or the shortest, the longest and the step.
    pub intervals: [Fraction; 3],
    _reserved: [u32; 2],
}

#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct PictureFormat {
    pub width: u32,
    pub height: u32,
    pub pixelformat: u32,
    _field: u32,
    pub bytes_per_line: u32,
    _bytes: u32,
    pub colorspace: u32,
    pub private: u32,
    _flags: u32,
    pub ycbcr_encoding: u32,
    pub quantization: u32,
    _transfer: u32,
}

/// Of a union with pointers in it, whose place in memory is theirs.
#[repr(C)]
pub(super) struct Format {
    pub kind: u32,
    _align: [usize; 0],
    pub picture: PictureFormat,
    _rest: [u8; 152],
}

#[derive(Clone, Copy, Default)]
#[repr(C)]
pub(super) struct Capture {
    _capability: u32,
    _mode: u32,
    pub interval: Fraction,
    _extended_mode: u32,
    _buffers: u32,
    _reserved: [u32; 4],
}

#[repr(C)]
pub(super) struct Parameters {
    pub kind: u32,
    pub capture: Capture,
    _rest: [u8; 160],
}

#[repr(C)]
pub(super) struct Request {
    pub count: u32,
    pub kind: u32,
    pub memory: u32,
    _capabilities: u32,
    _flags: u8,
    _reserved: [u8; 3],
}

#[repr(C)]
pub(super) struct Buffer {
    pub index: u32,
    kind: u32,
    pub bytes_used: u32,
    pub flags: u32,
    _field: u32,
    pub time: libc::timeval,
    _timecode: [u32; 4],
    pub sequence: u32,
    memory: u32,
    /// A union of an offset, a pointer and a file.
    place: usize,
    pub length: u32,
    _reserved: u32,
    _request: c_int,
}

impl Buffer {
    pub(super) fn numbered(index: u32) -> Buffer {
        Buffer { index, kind: CAPTURE, memory: SHARED, ..Record::zeroed() }
    }

    /// Where in the device's file it lies.
    pub(super) fn offset(&self) -> u32 {
        let [a, b, c, d, ..] = self.place.to_ne_bytes();
        u32::from_ne_bytes([a, b, c, d])
    }
}

/// A time that makes sense.
pub(super) fn microseconds(time: &libc::timeval) -> Option<i64> {
    let (secs, us): (i64, i64) = (time.tv_sec, time.tv_usec);
    Some(secs).filter(|&secs| secs >= 0)?.checked_mul(1_000_000)?.checked_add(us)
}

/// The matrix by its number in ITU-T H.273, of what the driver says of it; where that is nothing, what its
/// colour space has (`V4L2_MAP_YCBCR_ENC_DEFAULT`).
pub(super) fn matrix(encoding: u32, colorspace: u32) -> u32 {
    match (encoding, colorspace) {
        // BT.709, also of a wider gamut (xvYCC); the spaces BT.709 and DCI-P3.
        (2 | 4, _) | (0, 3 | 12) => 1,
        (6, _) | (0, 10) => 9,
        (7, _) => 10,
        (8, _) | (0, 2) => 7,
        _ => 6,
    }
}

//! A device of Video4Linux2, asked by `ioctl`; its frames come in memory that the driver shares.
//!
//! Names and meanings are those of the kernel's documentation, "Video for Linux API", part I.

mod abi;

use std::ffi::c_void;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::ptr::{self, NonNull};
use std::time::Duration;

use rushes_media::{Error, ErrorKind, Rational, Result};

use super::{OPENING, WHAT};
use abi::Record;

/// Buffers that the driver fills while another is emptied.
const BUFFERS: u32 = 4;
/// More than any driver makes of that.
const MOST_BUFFERS: u32 = 32;

// Lists that a driver gives are believed so far.
const MOST_FORMATS: u32 = 64;
const MOST_SIZES: u32 = 128;
const MOST_RATES: u32 = 64;
/// The longest side that is listed.
const MOST_SIDE_PX: u32 = 65_535;

/// Sizes of one pixel format.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sizes {
    One((u32, u32)),
    Between { least: (u32, u32), most: (u32, u32), step: (u32, u32) },
}

impl Sizes {
    /// The one next to this that is not below it, if there is one; a side of 0 is any.
    pub(super) fn nearest(self, wanted: (u32, u32)) -> (u32, u32) {
        let side = |wanted: u32, least: u32, most: u32, step: u32| {
            let steps = wanted.saturating_sub(least).div_ceil(step.max(1));
            least.saturating_add(steps.saturating_mul(step.max(1))).min(most)
        };
        match self {
            Sizes::One(size) => size,
            Sizes::Between { least, most, step } => {
                (side(wanted.0, least.0, most.0, step.0), side(wanted.1, least.1, most.1, step.1))
            }
        }
    }
}

/// What is asked of a device.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub fourcc: u32,
    pub width_px: u32,
    pub height_px: u32,
}

/// What it was set to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Set {
    pub fourcc: u32,
    pub width_px: u32,
    pub height_px: u32,
    /// From one row to the next; 0 where it does not say.
    pub row_bytes: u32,
    /// Matrix by its number in ITU-T H.273.
    pub matrix: u32,
    pub full_range: bool,
}

/// What came of asking for a frame.
pub(super) enum Got {
    /// None is ready.
    Nothing,
    /// One that is not whole, with its number where it has one.
    Broken(Option<u32>),
    Frame {
        bytes: Vec<u8>,
        /// By the clock that never goes back, where the driver uses it.
        time_us: Option<i64>,
        number: u32,
    },
}

/// A device that gives pictures.
pub(super) struct Device {
    file: File,
    name: String,
    buffers: Vec<Mapped>,
    /// What is taken of a buffer at most.
    most_used: usize,
    is_sending: bool,
}

impl Device {
    /// # Errors
    /// `NotFound`, `Denied` or `Unavailable` as the system says, `Unsupported` when it is no camera.
    pub(super) fn open(path: &Path) -> Result<Device> {
        let opened =
            OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path);
        let file = opened.map_err(|error| failed(OPENING, &error))?;
        let mut device = Device {
            file,
            name: String::new(),
            buffers: Vec::new(),
            most_used: 0,
            is_sending: false,
        };
        let mut about = abi::Capability::zeroed();
        let no_camera = |why: &str| {
            Error::new(ErrorKind::Unsupported, OPENING, why)
                .remedy("name a camera, such as /dev/video0")
        };
        if device.ask(abi::QUERYCAP, &mut about).is_err() {
            return Err(no_camera("it is no video device"));
        }
        let all = about.capabilities;
        let able = if all & abi::CAP_DEVICE_CAPS != 0 { about.device_caps } else { all };
        if able & abi::CAP_VIDEO_CAPTURE == 0 {
            return Err(no_camera(if able & abi::CAP_VIDEO_CAPTURE_MPLANE != 0 {
                "its pictures lie in several buffers, which are not read here"
            } else {
                "it gives no pictures"
            }));
        }
        if able & abi::CAP_STREAMING == 0 {
            return Err(no_camera("it does not share its memory"));
        }
        let end = about.card.iter().position(|&byte| byte == 0).unwrap_or(about.card.len());
        let text = String::from_utf8_lossy(about.card.get(..end).unwrap_or_default());
        device.name = text.chars().filter(|it| !it.is_control()).collect();
        Ok(device)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The pixel formats that it sends.
    pub(super) fn formats(&self) -> Vec<u32> {
        let mut formats = Vec::new();
        for index in 0..MOST_FORMATS {
            let mut found = abi::FormatDescription::zeroed();
            found.index = index;
            found.kind = abi::CAPTURE;
            // The driver refuses the first number that has no entry; so in the other lists.
            if self.ask(abi::ENUM_FMT, &mut found).is_err() {
                break;
            }
            if !formats.contains(&found.pixelformat) {
                formats.push(found.pixelformat);
            }
        }
        formats
    }

    /// The sizes that it has in this format; none where it does not say.
    pub(super) fn sizes(&self, fourcc: u32) -> Vec<Sizes> {
        let mut sizes = Vec::new();
        let is_size = |(width, height): (u32, u32)| {
            (1..=MOST_SIDE_PX).contains(&width) && (1..=MOST_SIDE_PX).contains(&height)
        };
        for index in 0..MOST_SIZES {
            let mut found = abi::FrameSizes::zeroed();
            found.index = index;
            found.pixel_format = fourcc;
            if self.ask(abi::ENUM_FRAMESIZES, &mut found).is_err() {
                break;
            }
            let [width, height, ..] = found.sides;
            if found.kind == abi::DISCRETE {
                sizes
                    .extend(Some(Sizes::One((width, height))).filter(|_| is_size((width, height))));
                continue;
            }
            let [least_width, most_width, across, least_height, most_height, down] = found.sides;
            let (least, most) = ((least_width, least_height), (most_width, most_height));
            if is_size(least) && is_size(most) && least.0 <= most.0 && least.1 <= most.1 {
                sizes.push(Sizes::Between { least, most, step: (across, down) });
            }
            // There is but one such entry.
            break;
        }
        sizes
    }

    /// Frames a second in this format and size, the most first; none where it does not say.
    pub(super) fn rates_hz(&self, fourcc: u32, (width, height): (u32, u32)) -> Vec<Rational> {
        let mut rates = Vec::new();
        for index in 0..MOST_RATES {
            let mut found = abi::FrameIntervals::zeroed();
            found.index = index;
            found.pixel_format = fourcc;
            found.width = width;
            found.height = height;
            if self.ask(abi::ENUM_FRAMEINTERVALS, &mut found).is_err() {
                break;
            }
            let [shortest, longest, ..] = found.intervals;
            rates.extend(shortest.rate_hz());
            if found.kind != abi::DISCRETE {
                rates.extend(longest.rate_hz());
                break;
            }
        }
        rates.sort_unstable_by(|one, other| other.cmp(one));
        rates.dedup();
        rates
    }

    /// Sets what it sends; what that is then may be another.
    ///
    /// # Errors
    /// `Unavailable` when another program uses it, or it refuses.
    pub(super) fn set_format(&self, wanted: Wanted) -> Result<Set> {
        let mut format = abi::Format::zeroed();
        format.kind = abi::CAPTURE;
        format.picture.width = wanted.width_px;
        format.picture.height = wanted.height_px;
        format.picture.pixelformat = wanted.fourcc;
        // So that what is beyond the first fields is read and told.
        format.picture.private = abi::PRIVATE_MAGIC;
        self.ask(abi::S_FMT, &mut format).map_err(|error| failed(OPENING, &error))?;
        let set = format.picture;
        let has_more = set.private == abi::PRIVATE_MAGIC;
        let (encoding, quantization) =
            if has_more { (set.ycbcr_encoding, set.quantization) } else { (0, 0) };
        Ok(Set {
            fourcc: set.pixelformat,
            width_px: set.width,
            height_px: set.height,
            row_bytes: set.bytes_per_line,
            matrix: abi::matrix(encoding, set.colorspace),
            full_range: match quantization {
                abi::FULL_RANGE => true,
                abi::LIMITED_RANGE => false,
                _ => set.colorspace == abi::COLORSPACE_JPEG,
            },
        })
    }

    /// Sets how many frames a second it sends; gives how many these are then, where it says that.
    pub(super) fn set_rate(&self, rate_hz: Rational) -> Option<Rational> {
        let mut set = abi::Parameters::zeroed();
        set.kind = abi::CAPTURE;
        let interval = u32::try_from(rate_hz.den()).ok().zip(u32::try_from(rate_hz.num()).ok());
        if let Some((numerator, denominator)) = interval {
            set.capture.interval = abi::Fraction { numerator, denominator };
            if self.ask(abi::S_PARM, &mut set).is_ok() {
                return set.capture.interval.rate_hz();
            }
        }
        // One that has a rate of its own only tells it; of one that knows no rates there is none.
        let mut set = abi::Parameters::zeroed();
        set.kind = abi::CAPTURE;
        self.ask(abi::G_PARM, &mut set).ok()?;
        set.capture.interval.rate_hz()
    }

    /// Shares its memory, of so many bytes a picture at most, and has it send. What is taken of each is
    /// `most_used`; the rest means nothing.
    ///
    /// # Errors
    /// `Unavailable` when another program uses it, `Limit` when it wants too much memory, `Corrupt` when
    /// it has none.
    pub(super) fn start(&mut self, most_bytes: u64, most_used: usize) -> Result<()> {
        self.most_used = most_used;
        let mut asked = abi::Request::zeroed();
        asked.count = BUFFERS;
        asked.kind = abi::CAPTURE;
        asked.memory = abi::SHARED;
        self.ask(abi::REQBUFS, &mut asked).map_err(|error| failed(OPENING, &error))?;
        if !(1..=MOST_BUFFERS).contains(&asked.count) {
            let why = format!("it has {} buffers for its pictures", asked.count);
            return Err(Error::new(ErrorKind::Corrupt, OPENING, why));
        }
        for index in 0..asked.count {
            let mut buffer = abi::Buffer::numbered(index);
            self.ask(abi::QUERYBUF, &mut buffer).map_err(|error| failed(OPENING, &error))?;
            if u64::from(buffer.length) > most_bytes {
                let why = format!("its pictures take {} bytes each", buffer.length);
                return Err(
                    Error::new(ErrorKind::Limit, OPENING, why).remedy("ask for a smaller size")
                );
            }
            self.buffers.push(Mapped::new(&self.file, &buffer)?);
            self.ask(abi::QBUF, &mut buffer).map_err(|error| failed(OPENING, &error))?;
        }
        let mut kind = abi::CAPTURE;
        self.ask(abi::STREAMON, &mut kind).map_err(|error| failed(OPENING, &error))?;
        self.is_sending = true;
        Ok(())
    }

    /// Waits for a frame; `false` when there is something in the other file first.
    ///
    /// # Errors
    /// `Unavailable` when the system cannot.
    pub(super) fn wait(&self, woken: BorrowedFd<'_>) -> Result<bool> {
        let look = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        let mut files = [look(woken.as_raw_fd()), look(self.file.as_raw_fd())];
        // SAFETY: the two are there, and their files are open.
        while unsafe { libc::poll(files.as_mut_ptr(), 2, -1) } < 0 {
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(failed(WHAT, &error));
            }
        }
        let [woken, frame] = files;
        if woken.revents != 0 {
            return Ok(false);
        }
        if frame.revents & libc::POLLIN == 0 {
            // The driver has given up; why is said when a frame is asked for, by most.
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(true)
    }

    /// The next frame that is ready.
    ///
    /// # Errors
    /// `Unavailable` when the camera is gone, `Corrupt` when what it states makes no sense.
    pub(super) fn take(&self) -> Result<Got> {
        let mut buffer = abi::Buffer::numbered(0);
        if let Err(error) = self.ask(abi::DQBUF, &mut buffer) {
            return match error.raw_os_error() {
                Some(libc::EAGAIN) => Ok(Got::Nothing),
                // A picture was lost, but not the camera.
                Some(libc::EIO) => Ok(Got::Broken(None)),
                _ => Err(failed(WHAT, &error)),
            };
        }
        let Some(mapped) = self.buffers.get(buffer.index as usize) else {
            let why = format!("it filled buffer {} of {}", buffer.index, self.buffers.len());
            return Err(Error::new(ErrorKind::Corrupt, WHAT, why));
        };
        let is_whole = buffer.flags & abi::FLAG_ERROR == 0;
        let bytes = mapped.bytes(buffer.bytes_used).filter(|_| is_whole);
        let bytes = bytes.map(|bytes| bytes.get(..self.most_used).unwrap_or(bytes).to_vec());
        let number = buffer.sequence;
        let is_monotonic = buffer.flags & abi::FLAG_CLOCK == abi::FLAG_MONOTONIC;
        let time_us = Some(&buffer.time).filter(|_| is_monotonic).and_then(abi::microseconds);
        self.ask(abi::QBUF, &mut buffer).map_err(|error| failed(WHAT, &error))?;
        Ok(match bytes {
            Some(bytes) => Got::Frame { bytes, time_us, number },
            None => Got::Broken(Some(number)),
        })
    }

    /// One question to the driver, with room for its answer.
    fn ask<T: Record>(&self, request: abi::Question<T>, given: &mut T) -> io::Result<()> {
        loop {
            let place: *mut T = given;
            // SAFETY: the request says how large the record is, by its type, and it may be written.
            let code = unsafe { libc::ioctl(self.file.as_raw_fd(), request.number() as _, place) };
            if code >= 0 {
                return Ok(());
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        if self.is_sending {
            let mut kind = abi::CAPTURE;
            // A camera that was unplugged says that it is gone, and there is nobody to tell: closing it,
            // which follows, stops it too.
            let _ = self.ask(abi::STREAMOFF, &mut kind);
        }
    }
}

/// A buffer of the driver in this process' memory.
struct Mapped {
    start: NonNull<c_void>,
    bytes: usize,
}

// SAFETY: it is memory, of which only its owner reads.
unsafe impl Send for Mapped {}

impl Mapped {
    fn new(file: &File, buffer: &abi::Buffer) -> Result<Mapped> {
        let bytes = buffer.length as usize;
        if bytes == 0 {
            return Err(Error::new(ErrorKind::Corrupt, OPENING, "its buffers have no room"));
        }
        // SAFETY: new memory is asked for, in no particular place.
        let start = unsafe {
            libc::mmap(
                ptr::null_mut(),
                bytes,
                libc::PROT_READ,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                buffer.offset() as _,
            )
        };
        match NonNull::new(start).filter(|_| start != libc::MAP_FAILED) {
            Some(start) => Ok(Mapped { start, bytes }),
            None => Err(failed(OPENING, &io::Error::last_os_error())),
        }
    }

    /// The first so many bytes; `None` where there are not so many, or none.
    fn bytes(&self, used: u32) -> Option<&[u8]> {
        let used = Some(used as usize).filter(|&used| 0 < used && used <= self.bytes)?;
        // SAFETY: so much is mapped, and the driver leaves it alone until it is given back.
        Some(unsafe { std::slice::from_raw_parts(self.start.cast::<u8>().as_ptr(), used) })
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: it was mapped with this size, and nobody has a part of it.
        unsafe { libc::munmap(self.start.as_ptr(), self.bytes) };
    }
}

/// What the system said of a camera.
fn failed(what: &str, error: &io::Error) -> Error {
    let unavailable = |why: &str| Error::new(ErrorKind::Unavailable, what, why);
    match error.raw_os_error() {
        Some(libc::ENODEV | libc::ENXIO) => {
            unavailable("it is not there any more").remedy("plug it in again, and open it anew")
        }
        Some(libc::EBUSY) => unavailable("another program uses it")
            .remedy("end that program, or take another camera"),
        Some(libc::EACCES | libc::EPERM) => {
            Error::new(ErrorKind::Denied, what, "this user may not use it")
                .remedy("join the group video (usermod -aG video NAME), and log in again")
        }
        _ => Error::io(what, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_size_covers_what_is_wanted() {
        let between = Sizes::Between { least: (32, 16), most: (1920, 1080), step: (16, 8) };
        for (wanted, found) in [
            ((640, 480), (640, 480)),
            ((641, 481), (656, 488)),
            ((1, 1), (32, 16)),
            ((0, 100), (32, 104)),
            ((5000, 1079), (1920, 1080)),
            ((u32::MAX, u32::MAX), (1920, 1080)),
        ] {
            assert_eq!(between.nearest(wanted), found, "{wanted:?}");
        }
        assert_eq!(Sizes::One((7, 5)).nearest((640, 480)), (7, 5));
    }
}

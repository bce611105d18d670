//! Cameras of the system, by Video4Linux2 (the kernel's "Video for Linux API"): which there are, and
//! what they see, one frame after another.
//!
//! The kernel is asked itself, by `ioctl` and shared memory. FFmpeg's reader of such devices was
//! tried: it lies in libavdevice, which brings eighty libraries into the process and must be
//! of the very build that libavformat is of; it waits for a camera that has stopped without asking whether
//! to go on, and gives nothing to wait on beside; and it does not tell which frames were lost. FFmpeg
//! decodes what the camera gives.
//!
//! This is here and not in a crate of live sources because it needs the decoders and the conversion of
//! this one.

mod capture;
mod choose;
mod layout;
mod pixels;
mod v4l2;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rushes_media::{Error, ErrorKind, Frame, FrameStream, Layout, Limits, Rational, Result};

use capture::{Capture, Told};
use pixels::Pixels;
use v4l2::Device;

const WHAT: &str = "reading the camera";
const OPENING: &str = "opening the camera";

/// The kernel numbers `/dev/video*` up to this.
const MOST_NODES: u32 = 256;

/// How often, while no frame comes, it is asked whether to go on.
const TURN: Duration = Duration::from_millis(20);

/// A camera that there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameraInfo {
    /// What it calls itself.
    pub name: String,
    /// Its device: `/dev/video0`.
    pub path: PathBuf,
    /// What it can be set to; empty where it does not say.
    pub modes: Vec<CameraMode>,
}

/// Something that a camera can be set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameraMode {
    /// V4L2's four characters: `YUYV`, `MJPG`.
    pub pixel_format: String,
    /// Width in pixels. Of a camera that has every size between two, these two are given.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
    /// Frames a second, the most first; empty where it does not say.
    pub rates_hz: Vec<Rational>,
}

/// How a camera is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CameraOptions {
    /// Width and height of the frames in pixels; 0 for a side that keeps the ratio. The camera is set to
    /// the smallest size that covers it, and that is scaled. `None` for what the camera gives at 640x480,
    /// or at the size next to that.
    pub size: Option<(u32, u32)>,
    /// Frames a second; the camera is set to what it has next to it. `None` for the most, up to 30.
    pub rate_hz: Option<Rational>,
    /// V4L2's four characters of what the camera is to send; `None` for the best: what reaches the
    /// rate, and not compressed where it may be either.
    pub pixel_format: Option<[u8; 4]>,
    /// What the numbers of a pixel are, 0 to 255, full range.
    pub layout: Layout,
    /// How long a frame may be waited for.
    pub patience: Duration,
    /// What a frame may cost.
    pub limits: Limits,
}

impl Default for CameraOptions {
    fn default() -> CameraOptions {
        CameraOptions {
            size: None,
            rate_hz: None,
            pixel_format: None,
            layout: Layout::Rgb,
            patience: Duration::from_secs(10),
            limits: Limits::default(),
        }
    }
}

/// The cameras that are there, in the order of their numbers. Other devices of that kind are left
/// out: outputs, what gives no pictures, and cameras whose pictures lie in several buffers.
///
/// # Errors
/// `Denied` when there are devices, and none may be opened.
pub fn cameras() -> Result<Vec<CameraInfo>> {
    let mut found = Vec::new();
    let mut denied = None;
    for number in 0..MOST_NODES {
        let path = PathBuf::from(format!("/dev/video{number}"));
        match Device::open(&path) {
            Ok(device) => {
                let modes = choose::modes(&device);
                found.push(CameraInfo { name: device.name().to_owned(), path, modes });
            }
            Err(error) if error.kind == ErrorKind::Denied => denied = Some(error),
            // Most numbers have no device, and some devices are no camera: what there is is listed.
            Err(_) => {}
        }
    }
    denied.filter(|_| found.is_empty()).map_or(Ok(found), Err)
}

/// An open camera, which is set up and sends frames. Closed when it is dropped.
///
/// What it sees is taken by a thread of its own. Four frames wait at most: when nobody takes them
/// the oldest is dropped, so that what is read is never old, and memory is flat.
///
/// Colour is the camera's own word for it: BT.601 in limited range where it says nothing, as V4L2 has it.
/// Frames have the time of their capture from the first one on, in microseconds as the driver tells it,
/// and a duration where the camera states a rate.
///
/// A driver is part of the kernel and trusted as that is; what it states is checked all the same
/// before anything is sized by it. The pictures of a camera that compresses are decoded in this process,
/// as its word is that of a device which was plugged in.
pub struct Camera {
    name: String,
    path: PathBuf,
    pixel_format: String,
    rate_hz: Option<Rational>,
    patience: Duration,
    pixels: Pixels,
    capture: Capture,
    goes_on: Option<Box<dyn Fn() -> bool + Send>>,
    is_over: bool,
}

impl Camera {
    /// Opens the camera of this number among [`cameras`], and has it send.
    ///
    /// # Errors
    /// `NotFound` when there are not so many, and those of [`Camera::open`].
    pub fn open_nth(index: usize, options: &CameraOptions) -> Result<Camera> {
        let known = cameras()?;
        let Some(info) = known.get(index) else {
            let why = match known.len() {
                0 => "there is no camera".to_owned(),
                1 => format!("there is no camera {index}, only camera 0"),
                count => format!("there is no camera {index}, only 0 to {}", count - 1),
            };
            return Err(Error::new(ErrorKind::NotFound, OPENING, why)
                .remedy("plug one in, or name its device, such as /dev/video0"));
        };
        Camera::open(&info.path, options)
    }

    /// Opens the camera of this device, and has it send.
    ///
    /// # Errors
    /// `NotFound` when there is no such device, `Unsupported` when it is no camera or sends nothing that
    /// can be decoded, `Denied` when it may not be opened, `Unavailable` when another program uses it,
    /// `Limit` when its pictures are too large, `Corrupt` when what it states contradicts itself.
    pub fn open(path: impl AsRef<Path>, options: &CameraOptions) -> Result<Camera> {
        let path = path.as_ref();
        let open = || {
            let mut device = Device::open(path)?;
            let wanted = choose::best(&device, options)?;
            let format = device.set_format(wanted)?;
            let known = layout::known(format.fourcc).ok_or_else(|| {
                let why = format!("it sends {}", layout::name(format.fourcc));
                Error::new(ErrorKind::Unsupported, OPENING, why + ", which is not read here")
            })?;
            let pixels = Pixels::new(known, &format, options)?;
            let wanted_hz = options.rate_hz.unwrap_or(Rational::whole(choose::USUAL_HZ));
            let rate_hz = device.set_rate(wanted_hz);
            let name = device.name().to_owned();
            device.start(options.limits.picture_bytes, pixels.most_bytes())?;
            let capture = Capture::start(device)?;
            Ok(Camera {
                name,
                path: path.to_owned(),
                pixel_format: layout::name(format.fourcc),
                rate_hz,
                patience: options.patience,
                pixels,
                capture,
                goes_on: None,
                is_over: false,
            })
        };
        open().map_err(|error: Error| error.at(path))
    }

    /// The same camera, under watch: while a frame is waited for, the function is asked every 20 ms
    /// whether to go on; when it says no, reading ends with `Unavailable`.
    #[must_use]
    pub fn watched(self, goes_on: impl Fn() -> bool + Send + 'static) -> Camera {
        Camera { goes_on: Some(Box::new(goes_on)), ..self }
    }

    /// What it calls itself.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its device.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Width of the frames.
    #[must_use]
    pub fn width_px(&self) -> u32 {
        self.pixels.size().0
    }

    /// Height of the frames.
    #[must_use]
    pub fn height_px(&self) -> u32 {
        self.pixels.size().1
    }

    /// Frames a second, as it states them.
    #[must_use]
    pub fn rate_hz(&self) -> Option<Rational> {
        self.rate_hz
    }

    /// V4L2's four characters of what it sends.
    #[must_use]
    pub fn pixel_format(&self) -> &str {
        &self.pixel_format
    }

    /// How many frames were not given up to now: dropped because nobody took them, lost by the driver, or
    /// broken.
    #[must_use]
    pub fn dropped_frames(&self) -> u64 {
        self.capture.shared().dropped()
    }

    /// The next frame; waits for it.
    ///
    /// # Errors
    /// `Unavailable` when the camera is unplugged, when none came for as long as the options say, and
    /// when the watch said to stop.
    pub fn read(&mut self) -> Result<Frame> {
        let shared = Arc::clone(self.capture.shared());
        let began = Instant::now();
        loop {
            if self.goes_on.as_ref().is_some_and(|goes_on| !goes_on()) {
                return Err(Error::new(ErrorKind::Unavailable, WHAT, "it was cancelled"));
            }
            match self.made(shared.wait(TURN))? {
                Some(frame) => return Ok(frame),
                None if began.elapsed() < self.patience => {}
                None => {
                    let secs = self.patience.as_secs_f64();
                    let why = format!("it gave no whole frame for {secs} seconds");
                    return Err(Error::new(ErrorKind::Unavailable, WHAT, why)
                        .remedy("plug it in again, or set it to fewer frames a second")
                        .at(&self.path));
                }
            }
        }
    }

    /// The newest frame that waits, at once; `None` when there is none. Those before it are dropped.
    ///
    /// # Errors
    /// `Unavailable` when the camera is unplugged.
    pub fn latest(&mut self) -> Result<Option<Frame>> {
        let newest = self.capture.shared().newest();
        self.made(newest)
    }

    /// The frame that was told of; `None` for one that cannot be decoded.
    fn made(&mut self, told: Told) -> Result<Option<Frame>> {
        let taken = match told {
            Told::Frame(taken) => taken,
            Told::End(error) => return Err(error.at(&self.path)),
            Told::Nothing => return Ok(None),
        };
        match self.pixels.frame(&taken.bytes) {
            Ok(mut frame) => {
                frame.time_secs = Rational::new(taken.time_us, 1_000_000);
                frame.duration_secs =
                    self.rate_hz.and_then(|rate| Rational::whole(1).checked_div(rate));
                Ok(Some(frame))
            }
            // Cameras begin with such, and have them when a cable is bad.
            Err(error) if error.kind == ErrorKind::Corrupt => {
                self.capture.shared().drop_frames(1);
                Ok(None)
            }
            Err(error) => Err(error.at(&self.path)),
        }
    }
}

impl FrameStream for Camera {
    fn next_frame(&mut self) -> Result<Option<Frame>> {
        if self.is_over {
            return Ok(None);
        }
        self.read().map(Some).inspect_err(|_| self.is_over = true)
    }
}

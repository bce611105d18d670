use std::fmt::Debug;

use rushes_media::{Error, ErrorKind, Frame, Result};
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::frame as frames;

/// What makes one frame from one frame. The struct that implements it holds
/// the parameters, so that it can be made once and applied to a whole stream.
///
/// Brightness in parameters is a share of the full range, whatever the depth:
/// 0 is black, 1 is 255 of 8 bits, 65,535 of 16 bits and 1.0 of floats.
/// Integers round half to even and saturate; floats are clamped only where an
/// operation says so. Colour and times of the frame stay with it. A frame
/// without pixels gives one without pixels, unless an operation says that it
/// refuses.
pub trait FrameOperation: Debug + Send + Sync {
    /// Whether the parameters are within their ranges.
    ///
    /// # Errors
    /// `Invalid`, which names the parameter, what it is and what is allowed.
    fn check(&self) -> Result<()>;

    /// The new frame.
    ///
    /// # Errors
    /// As for `check`, and what the operation says.
    fn apply(&self, frame: &Frame) -> Result<Frame>;
}

/// What makes one frame from two: as [`FrameOperation`], with another frame
/// of the same size, such as a layer or a flat field.
pub trait PairOperation: Debug + Send + Sync {
    /// Whether the parameters are within their ranges.
    ///
    /// # Errors
    /// `Invalid`, which names the parameter, what it is and what is allowed.
    fn check(&self) -> Result<()>;

    /// The new frame, in the depth and layout of the first.
    ///
    /// # Errors
    /// As for `check`; `Invalid` when the frames do not fit together.
    fn apply(&self, frame: &Frame, other: &Frame) -> Result<Frame>;
}

/// What is known about an operation without running it.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// The medium it works on, also its module: `image`, `frame`,
    /// `audio` or, for what it makes, `plot`.
    pub medium: &'static str,
    /// Its function or, in snake case, its struct; also its file: `resize`.
    pub name: &'static str,
    /// What it gives, in one line.
    pub summary: &'static str,
    /// How it is called.
    pub form: Form,
}

/// How an operation is called.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// A function with arguments of its own.
    Function,
    /// A struct of parameters, applied to a frame.
    Frame(Maker<dyn FrameOperation>),
    /// A struct of parameters, applied to two frames.
    Pair(Maker<dyn PairOperation>),
}

/// Makes an operation from parameters that come from outside.
#[derive(Debug)]
pub struct Maker<T: ?Sized> {
    schema: fn() -> Schema,
    from_json: fn(&Value) -> Result<Box<T>>,
}

impl<T: ?Sized> Clone for Maker<T> {
    fn clone(&self) -> Maker<T> {
        *self
    }
}

impl<T: ?Sized> Copy for Maker<T> {}

impl<T: ?Sized> Maker<T> {
    /// The JSON Schema (draft 2020-12) of the parameters, an object.
    #[must_use]
    pub fn schema(&self) -> Schema {
        (self.schema)()
    }

    /// The operation with these parameters, checked.
    ///
    /// # Errors
    /// `Invalid` when a parameter is unknown, missing, of another type or
    /// beyond its range.
    pub fn from_json(&self, parameters: &Value) -> Result<Box<T>> {
        (self.from_json)(parameters)
    }
}

fn read<P: DeserializeOwned>(parameters: &Value) -> Result<P> {
    serde_path_to_error::deserialize(parameters).map_err(|error| {
        let why = match error.path().to_string().as_str() {
            "." => error.inner().to_string(),
            path => format!("{path}: {}", error.inner()),
        };
        Error::new(ErrorKind::Invalid, "reading the parameters", why)
    })
}

fn made_frame<P: FrameOperation + DeserializeOwned + 'static>(
    parameters: &Value,
) -> Result<Box<dyn FrameOperation>> {
    let made: P = read(parameters)?;
    made.check()?;
    Ok(Box::new(made))
}

fn made_pair<P: PairOperation + DeserializeOwned + 'static>(
    parameters: &Value,
) -> Result<Box<dyn PairOperation>> {
    let made: P = read(parameters)?;
    made.check()?;
    Ok(Box::new(made))
}

const fn function(medium: &'static str, name: &'static str, summary: &'static str) -> Operation {
    Operation { medium, name, summary, form: Form::Function }
}

const fn frame<P>(name: &'static str, summary: &'static str) -> Operation
where
    P: FrameOperation + Serialize + DeserializeOwned + JsonSchema + 'static,
{
    let maker = Maker { schema: schema_of::<P>, from_json: made_frame::<P> };
    Operation { medium: "frame", name, summary, form: Form::Frame(maker) }
}

const fn pair<P>(name: &'static str, summary: &'static str) -> Operation
where
    P: PairOperation + Serialize + DeserializeOwned + JsonSchema + 'static,
{
    let maker = Maker { schema: schema_of::<P>, from_json: made_pair::<P> };
    Operation { medium: "frame", name, summary, form: Form::Pair(maker) }
}

fn schema_of<P: JsonSchema>() -> Schema {
    schemars::schema_for!(P)
}

/// Every operation, by medium and name.
pub static OPERATIONS: &[Operation] = &[
    function("audio", "stft", "finds the frequencies of sound over time"),
    function("audio", "waveform", "draws the loudness of sound over time"),
    frame::<frames::Affine>("affine", "turns, scales, shears and shifts by a matrix"),
    pair::<frames::Blend>("blend", "lays another frame over this one"),
    frame::<frames::BoxBlur>("box_blur", "blurs by the mean of a square"),
    frame::<frames::Brightness>("brightness", "adds the same to every colour"),
    frame::<frames::Clahe>("clahe", "spreads brightness tile by tile, contrast limited"),
    frame::<frames::Colormap>("colormap", "shows brightness as colour"),
    frame::<frames::Contrast>("contrast", "moves colours away from a pivot or towards it"),
    frame::<frames::Crop>("crop", "cuts pixels off the sides"),
    function("frame", "deinterlace", "makes a picture of each field by the two around it"),
    frame::<frames::Denoise>("denoise", "takes out noise by the mean of like places"),
    pair::<frames::FlatField>("flat_field", "evens out light by a frame of nothing but it"),
    frame::<frames::Flip>("flip", "mirrors left and right or top and bottom"),
    frame::<frames::Gamma>("gamma", "brightens or darkens the middle"),
    frame::<frames::GaussianBlur>("gaussian_blur", "blurs by a Gaussian"),
    frame::<frames::Grayscale>("grayscale", "makes one channel out of three"),
    frame::<frames::Lut>("lut", "looks colours up in a .cube table"),
    frame::<frames::Median>("median", "takes out specks by the median of a square"),
    frame::<frames::Pad>("pad", "adds pixels at the sides"),
    frame::<frames::Resize>("resize", "scales to a size in pixels or by a factor"),
    frame::<frames::Rotate>("rotate", "turns by quarters, counter-clockwise"),
    frame::<frames::Sharpen>("sharpen", "sharpens by an unsharp mask"),
    frame::<frames::Text>("text", "writes text into the picture"),
    function("image", "fit", "scales a picture into a tile of exact size, with black bars"),
    function("image", "grid", "puts equal tiles into one sheet"),
    function("image", "measure", "measures sharpness, brightness, contrast and clipping"),
    function("image", "orient", "turns and mirrors a picture upright"),
    function("image", "resize", "makes a picture smaller"),
    function("image", "tone_map", "turns HDR or deep numbers into 8-bit sRGB"),
    function("plot", "histogram", "draws how often numbers occur"),
    function("plot", "image", "draws an array in colours, with a strip that explains them"),
    function("plot", "line", "draws series of numbers as lines over common axes"),
    function("plot", "spectrogram", "draws the frequencies of sound over time"),
];

/// The operations that make one frame from two, with what makes them.
pub fn pair_operations()
-> impl Iterator<Item = (&'static Operation, &'static Maker<dyn PairOperation>)> {
    OPERATIONS.iter().filter_map(|operation| match &operation.form {
        Form::Pair(maker) => Some((operation, maker)),
        _ => None,
    })
}

/// The operations that make one frame from one frame, with what makes them.
pub fn frame_operations()
-> impl Iterator<Item = (&'static Operation, &'static Maker<dyn FrameOperation>)> {
    OPERATIONS.iter().filter_map(|operation| match &operation.form {
        Form::Frame(maker) => Some((operation, maker)),
        _ => None,
    })
}

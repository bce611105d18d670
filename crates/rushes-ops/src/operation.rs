/// What is known about an operation without running it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The medium it works on, also its module: `image` or `audio`.
    pub medium: &'static str,
    /// Its function, also its file: `resize`.
    pub name: &'static str,
    /// What it gives, in one line.
    pub summary: &'static str,
}

const fn operation(medium: &'static str, name: &'static str, summary: &'static str) -> Operation {
    Operation { medium, name, summary }
}

/// Every operation, by medium and name.
pub static OPERATIONS: &[Operation] = &[
    operation("audio", "waveform", "draws the loudness of sound over time"),
    operation("image", "fit", "scales a picture into a tile of exact size, with black bars"),
    operation("image", "grid", "puts equal tiles into one sheet"),
    operation("image", "measure", "measures sharpness, brightness, contrast and clipping"),
    operation("image", "orient", "turns and mirrors a picture upright"),
    operation("image", "resize", "makes a picture smaller"),
    operation("image", "tone_map", "turns HDR or deep numbers into 8-bit sRGB"),
];

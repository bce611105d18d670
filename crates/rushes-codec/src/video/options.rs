use rushes_media::Layout;

/// Numbers that frames are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Depth {
    /// `U16` for video of more than 8 bits, else `U8`.
    #[default]
    Auto,
    /// 0 to 255.
    U8,
    /// 0 to 65,535.
    U16,
    /// 0 to 1.
    F32,
}

/// How a [`crate::VideoReader`] gives its frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VideoOptions {
    /// Threads that decode; 0 for one a core, at most 4.
    pub threads: u32,
    /// What the numbers of a pixel are.
    pub layout: Layout,
    /// What numbers they are.
    pub depth: Depth,
    /// Width and height in pixels to scale to, as the frame is given (upright
    /// when that is asked for); 0 for a side that keeps the ratio of stored
    /// pixels. `None` for the stored size.
    pub size: Option<(u32, u32)>,
    /// Whether frames are turned and mirrored as the container states.
    pub upright: bool,
}

impl Default for VideoOptions {
    fn default() -> VideoOptions {
        VideoOptions {
            threads: 0,
            layout: Layout::Rgb,
            depth: Depth::Auto,
            size: None,
            upright: true,
        }
    }
}

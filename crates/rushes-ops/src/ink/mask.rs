use zeno::{Cap, Command, Fill, Join, Point, Stroke, Style};

/// A part of a frame, in pixels: what is drawn beyond it is not seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// How much of each pixel of a window is covered: 255 is all of it.
pub(crate) struct Mask {
    pub(crate) window: Window,
    pub(crate) coverage: Vec<u8>,
}

impl Mask {
    /// Covers what another covers as well, as if both lay in a pixel by chance.
    /// What lies beyond this mask is left out.
    pub(crate) fn add(&mut self, other: &Mask) {
        let (own, its) = (self.window, other.window);
        for y in its.top.max(own.top)..(its.top + its.height).min(own.top + own.height) {
            for x in its.left.max(own.left)..(its.left + its.width).min(own.left + own.width) {
                let at = |window: Window| {
                    (y - window.top) as usize * window.width as usize + (x - window.left) as usize
                };
                let place = &mut self.coverage[at(own)];
                let free = u32::from(255 - *place) * u32::from(255 - other.coverage[at(its)]);
                *place = 255 - ((free + 127) / 255) as u8;
            }
        }
    }
}

/// What is within an outline.
pub(crate) fn filled(path: &[Command], window: Window) -> Option<Mask> {
    drawn(path, window, Style::Fill(Fill::NonZero), 0.0)
}

/// What a round pen leaves that follows an outline.
pub(crate) fn stroked(path: &[Command], window: Window, width_px: f32) -> Option<Mask> {
    let mut stroke = Stroke::new(width_px);
    stroke.join(Join::Round).cap(Cap::Round);
    drawn(path, window, Style::Stroke(stroke), width_px / 2.0)
}

/// The corners of a box, from left and top to right and bottom.
pub(crate) fn box_path([left, top, right, bottom]: [f32; 4]) -> Vec<Command> {
    vec![
        Command::MoveTo(Point::new(left, top)),
        Command::LineTo(Point::new(right, top)),
        Command::LineTo(Point::new(right, bottom)),
        Command::LineTo(Point::new(left, bottom)),
        Command::Close,
    ]
}

/// The mask is no larger than the outline and the window; `None` when they
/// have no pixel in common.
fn drawn(path: &[Command], window: Window, style: Style<'_>, around: f32) -> Option<Mask> {
    let [left, top, right, bottom] = bounds(path)?;
    let within = |from: f32, to: f32, start: u32, len: u32| {
        let (first, last) = (start as f32, start as f32 + len as f32);
        let from = (from - around).floor().clamp(first, last);
        let to = (to + around).ceil().clamp(first, last);
        (to > from).then_some((from as u32, (to - from) as u32))
    };
    let (left, width) = within(left, right, window.left, window.width)?;
    let (top, height) = within(top, bottom, window.top, window.height)?;
    let mut coverage = vec![0; width as usize * height as usize];
    zeno::Mask::new(path)
        .style(style)
        .size(width, height)
        .offset((-(left as f32), -(top as f32)))
        .render_into(&mut coverage, None);
    Some(Mask { window: Window { left, top, width, height }, coverage })
}

/// Left, top, right and bottom of all points; curves stay within theirs.
fn bounds(path: &[Command]) -> Option<[f32; 4]> {
    let mut found: Option<[f32; 4]> = None;
    for command in path {
        let points = match *command {
            Command::MoveTo(to) | Command::LineTo(to) => [to; 3],
            Command::QuadTo(by, to) => [by, by, to],
            Command::CurveTo(by, and, to) => [by, and, to],
            Command::Close => continue,
        };
        for Point { x, y } in points {
            let [left, top, right, bottom] = found.unwrap_or([x, y, x, y]);
            found = Some([left.min(x), top.min(y), right.max(x), bottom.max(y)]);
        }
    }
    found
}

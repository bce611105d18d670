use std::cell::RefCell;
use std::sync::Arc;

use cosmic_text::{
    Attrs, Buffer, CacheKey, CacheKeyFlags, Family, FontSystem, LayoutGlyph, Metrics, Shaping,
    SwashCache, Wrap, fontdb,
};
use zeno::{Command, Point};

/// DejaVu Sans 2.37; its licence lies beside it.
static FONT: &[u8] = include_bytes!("../../fonts/DejaVuSans.ttf");
const FAMILY: &str = "DejaVu Sans";
/// From the highest to the lowest that the font reaches, in ems: 1,901 above
/// the line and 483 below it, of 2,048.
const LINE: f32 = 2_384.0 / 2_048.0;

/// Where lines of different lengths stand.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Align {
    Left,
    Center,
    Right,
}

/// Text as outlines: x to the right, y down, from the left and top of all
/// lines.
#[derive(Debug)]
pub(crate) struct Shaped {
    pub(crate) path: Vec<Command>,
    /// Of the longest line, spaces included.
    pub(crate) width_px: f32,
    /// Of all lines.
    pub(crate) height_px: f32,
}

impl Shaped {
    /// The outlines with every point sent elsewhere.
    pub(crate) fn mapped(&self, to: impl Fn(Point) -> Point) -> Vec<Command> {
        self.path.iter().map(|command| through(command, &to)).collect()
    }
}

fn through(command: &Command, to: &impl Fn(Point) -> Point) -> Command {
    match *command {
        Command::MoveTo(end) => Command::MoveTo(to(end)),
        Command::LineTo(end) => Command::LineTo(to(end)),
        Command::QuadTo(by, end) => Command::QuadTo(to(by), to(end)),
        Command::CurveTo(by, and, end) => Command::CurveTo(to(by), to(and), to(end)),
        Command::Close => Command::Close,
    }
}

/// What shaping needs; a font is read once for each thread.
struct Pen {
    fonts: FontSystem,
    outlines: SwashCache,
}

thread_local! {
    static PEN: RefCell<Pen> = RefCell::new(Pen::new());
}

impl Pen {
    /// With the one font, so that no text looks another way elsewhere.
    fn new() -> Pen {
        let mut fonts = fontdb::Database::new();
        fonts.load_font_source(fontdb::Source::Binary(Arc::new(FONT)));
        Pen {
            fonts: FontSystem::new_with_locale_and_db("en".to_owned(), fonts),
            outlines: SwashCache::new(),
        }
    }

    fn shaped(&mut self, text: &str, size_px: f32, align: Align) -> Shaped {
        let mut buffer = Buffer::new_empty(Metrics::new(size_px, size_px * LINE));
        buffer.set_wrap(Wrap::None);
        let attributes = Attrs::new().family(Family::Name(FAMILY));
        buffer.set_text(text, &attributes, Shaping::Advanced, None);
        buffer.shape_until_scroll(&mut self.fonts, false);

        let width_px = buffer.layout_runs().map(|run| run.line_w).fold(0.0, f32::max);
        let mut found = Shaped { path: Vec::new(), width_px, height_px: 0.0 };
        for run in buffer.layout_runs() {
            found.height_px = found.height_px.max(run.line_top + run.line_height);
            // Lines from right to left may start anywhere: alignment is ours.
            let start = run.glyphs.iter().map(|glyph| glyph.x).fold(f32::MAX, f32::min);
            let free = match align {
                Align::Left => 0.0,
                Align::Center => (width_px - run.line_w) / 2.0,
                Align::Right => width_px - run.line_w,
            };
            for glyph in run.glyphs {
                let x = free - start + glyph.x + glyph.font_size * glyph.x_offset;
                let y = run.line_y + glyph.y - glyph.font_size * glyph.y_offset;
                self.add(&mut found.path, glyph, Point::new(x, y));
            }
        }
        found
    }

    /// The outline of a glyph at exactly this place, not hinted.
    fn add(&mut self, path: &mut Vec<Command>, glyph: &LayoutGlyph, at: Point) {
        let flags = CacheKeyFlags::DISABLE_HINTING;
        let (font, size) = (glyph.font_id, glyph.font_size);
        let (key, ..) =
            CacheKey::new(font, glyph.glyph_id, size, (0.0, 0.0), glyph.font_weight, flags);
        // Not kept: text may have any number of sizes.
        let outline = self.outlines.get_outline_commands_uncached(&mut self.fonts, key);
        let moved = |point: Point| Point::new(at.x + point.x, at.y - point.y);
        path.extend(outline.iter().flatten().map(|command| through(command, &moved)));
    }
}

/// Text in DejaVu Sans: written in both directions, with marks put in place.
/// Sizes and lengths are bounded by whoever calls.
pub(crate) fn shaped(text: &str, size_px: f32, align: Align) -> Shaped {
    PEN.with_borrow_mut(|pen| pen.shaped(text, size_px, align))
}

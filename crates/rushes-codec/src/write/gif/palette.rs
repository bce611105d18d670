//! The colours of a GIF: which 255 show a picture best, and which of them is
//! nearest to any.

pub(super) type Color = [u8; 3];

/// Colours of one palette; one more place says "as before".
pub(super) const COLORS: usize = 255;

/// Nearest colours are looked up by the leading bits of each channel.
const CELL_BITS: u32 = 5;

/// How often a palette is brought nearer to its picture at most, and the part of
/// its error that each time must save.
const ROUNDS: usize = 12;
const SAVING: f64 = 0.01;

/// Pixels that a palette is made of at most; of a larger picture, some.
const COUNTED: usize = 1 << 18;

/// A palette is replaced when its mean squared error has grown by this factor
/// and this much since it was made.
const WORSE_BY: f64 = 1.5;
const WORSE_AT_LEAST: f64 = 6.0;

/// Every how many pixels a palette is judged by.
const JUDGED: usize = 13;

/// A colour, and how many pixels have it.
type Counted = (Color, u32);

/// Colours of a picture, and the nearest of them to any.
pub(super) struct Palette {
    colors: Vec<Color>,
    cells: Cells,
    /// Mean squared error of the picture that it was made of.
    error: f64,
}

/// For each part of all colours, those of the palette that may be nearest to
/// one in it; found when first asked for.
struct Cells {
    /// Where a part's indexes begin in `indexes`, and how many there are.
    known: Vec<(u32, u16)>,
    indexes: Vec<u8>,
}

impl Palette {
    /// A good one for these pixels: parts are cut at the mean of the channel that
    /// varies most (Wan, Wong and Prusinkiewicz, 1988), then brought nearer.
    pub(super) fn of(pixels: &[Color]) -> Palette {
        let mut counted = counted(pixels);
        let mut palette =
            Palette { colors: variance_cut(&mut counted), cells: Cells::new(), error: 0.0 };
        let mut last = f64::INFINITY;
        for _ in 0..ROUNDS {
            let error = palette.move_to_means(&counted);
            palette.cells = Cells::new();
            if error > last * (1.0 - SAVING) {
                break;
            }
            last = error;
        }
        palette.error = palette.error_of(pixels);
        palette
    }

    /// Moves each colour to the mean of the pixels that it is nearest to, which
    /// brings all of them nearer (Lloyd, 1982). Gives the sum of the errors
    /// before.
    fn move_to_means(&mut self, counted: &[Counted]) -> f64 {
        let mut sums = vec![[0_u64; 4]; self.colors.len()];
        let mut error = 0.0;
        for &(pixel, count) in counted {
            let (index, color) = self.nearest(pixel);
            error += f64::from(distance(pixel, color)) * f64::from(count);
            if let Some(sum) = sums.get_mut(usize::from(index)) {
                add(sum, pixel, count);
            }
        }
        for (color, sum) in self.colors.iter_mut().zip(sums) {
            *color = mean(sum).unwrap_or(*color);
        }
        error
    }

    /// The place of the nearest colour, and that.
    pub(super) fn nearest(&mut self, color: Color) -> (u8, Color) {
        let mut best = (i32::MAX, 0, Color::default());
        for &index in self.cells.of(color, &self.colors) {
            let Some(&known) = self.colors.get(usize::from(index)) else { continue };
            let off = distance(known, color);
            if off < best.0 {
                best = (off, index, known);
            }
        }
        (best.1, best.2)
    }

    /// Mean squared error of some of the pixels.
    fn error_of(&mut self, pixels: &[Color]) -> f64 {
        let (mut sum, mut count) = (0.0, 0.0);
        for &pixel in pixels.iter().step_by(JUDGED) {
            sum += f64::from(distance(pixel, self.nearest(pixel).1));
            count += 1.0;
        }
        sum / f64::max(count, 1.0)
    }

    pub(super) fn has_become_bad(&mut self, pixels: &[Color]) -> bool {
        let error = self.error_of(pixels);
        error > self.error * WORSE_BY && error > self.error + WORSE_AT_LEAST
    }

    /// Its colours one after the other, with one more for "as before".
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.colors.as_flattened().to_vec();
        bytes.resize(256 * 3, 0);
        bytes
    }
}

impl Cells {
    fn new() -> Cells {
        Cells { known: vec![(0, 0); 1 << (3 * CELL_BITS)], indexes: Vec::new() }
    }

    /// Indexes of the colours that may be nearest to this one.
    fn of(&mut self, color: Color, colors: &[Color]) -> &[u8] {
        let corner = color.map(|value| value >> (8 - CELL_BITS));
        let at = corner.iter().fold(0, |at, &part| (at << CELL_BITS) | usize::from(part));
        let (start, count) = match self.known.get(at) {
            Some(&known) if known.1 > 0 => known,
            _ => {
                let start = self.indexes.len();
                self.find(corner, colors);
                let found = (start as u32, (self.indexes.len() - start) as u16);
                if let Some(known) = self.known.get_mut(at) {
                    *known = found;
                }
                found
            }
        };
        self.indexes.get(start as usize..start as usize + usize::from(count)).unwrap_or_default()
    }

    /// Adds those that are nearer to some colour of the part than the one is
    /// whose farthest is nearest.
    fn find(&mut self, corner: Color, colors: &[Color]) {
        let most = (1 << (8 - CELL_BITS)) - 1;
        let low = corner.map(|part| i32::from(part) << (8 - CELL_BITS));
        let squares = |color: &Color, off: fn(i32, i32, i32) -> i32| -> i32 {
            let off = |channel: usize| {
                off(i32::from(color[channel]), low[channel], low[channel] + most).pow(2)
            };
            off(0) + off(1) + off(2)
        };
        let farthest = |color: &Color| squares(color, |it, low, high| (it - low).max(high - it));
        let nearest =
            |color: &Color| squares(color, |it, low, high| (low - it).max(it - high).max(0));
        let enough = colors.iter().map(farthest).min().unwrap_or(0);
        let may = colors.iter().enumerate().filter(|(_, color)| nearest(color) <= enough);
        self.indexes.extend(may.map(|(index, _)| index as u8));
    }
}

/// The colours of these pixels, or of some of them, each once.
fn counted(pixels: &[Color]) -> Vec<Counted> {
    let every = pixels.len().div_ceil(COUNTED).max(1);
    let mut all: Vec<Color> = pixels.iter().step_by(every).copied().collect();
    all.sort_unstable();
    all.chunk_by(|one, other| one == other)
        .filter_map(|run| Some((*run.first()?, run.len() as u32)))
        .collect()
}

/// A part of the colours: its error by the channel that varies most, which that
/// is, and the mean there.
struct Part<'a> {
    colors: &'a mut [Counted],
    error: f64,
    channel: usize,
    middle: f64,
}

impl<'a> Part<'a> {
    fn of(colors: &'a mut [Counted]) -> Part<'a> {
        let mut part = Part { colors, error: -1.0, channel: 0, middle: 0.0 };
        for channel in 0..3 {
            let (mut sum, mut squares, mut pixels) = (0.0, 0.0, 0.0);
            for (color, count) in &*part.colors {
                let (value, count) = (f64::from(color[channel]), f64::from(*count));
                sum += value * count;
                squares += value * value * count;
                pixels += count;
            }
            let middle = sum / f64::max(pixels, 1.0);
            let error = squares - sum * middle;
            if error > part.error {
                (part.error, part.channel, part.middle) = (error, channel, middle);
            }
        }
        part
    }
}

/// Cuts the part with the most error, again and again; the mean of each part is
/// a colour.
fn variance_cut(counted: &mut [Counted]) -> Vec<Color> {
    let mut parts = vec![Part::of(counted)];
    while parts.len() < COLORS {
        let most =
            parts.iter().enumerate().max_by(|one, other| one.1.error.total_cmp(&other.1.error));
        let Some((at, _)) = most.filter(|(_, part)| part.error > 0.5) else { break };
        let Part { colors, channel, middle, .. } = parts.swap_remove(at);
        colors.sort_unstable_by_key(|(color, _)| color[channel]);
        let cut = colors.partition_point(|(color, _)| f64::from(color[channel]) <= middle);
        let (low, high) = colors.split_at_mut(cut);
        parts.extend([low, high].into_iter().filter(|part| !part.is_empty()).map(Part::of));
    }
    let mean_of = |part: &Part<'_>| {
        let mut sum = [0; 4];
        part.colors.iter().for_each(|&(color, count)| add(&mut sum, color, count));
        mean(sum)
    };
    parts.iter().filter_map(mean_of).collect()
}

fn add(sum: &mut [u64; 4], color: Color, count: u32) {
    for (sum, value) in sum.iter_mut().zip(color) {
        *sum += u64::from(value) * u64::from(count);
    }
    sum[3] += u64::from(count);
}

/// The rounded mean of what was added up; `None` of nothing.
fn mean([red, green, blue, count]: [u64; 4]) -> Option<Color> {
    (count > 0).then(|| [red, green, blue].map(|sum| ((sum + count / 2) / count) as u8))
}

pub(super) fn distance(one: Color, other: Color) -> i32 {
    let square = |at: usize| {
        let off = i32::from(one[at]) - i32::from(other[at]);
        off * off
    };
    square(0) + square(1) + square(2)
}

//! Where the tiles of a mosaic stand.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the tiles of a mosaic stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Arrangement {
    /// In rows of cells that all have the leading tile's size; the others are
    /// scaled to fit and stand in the middle of theirs.
    #[default]
    Grid,
    /// Side by side, all as high as the leading tile.
    Row,
    /// One above the other, all as wide as the leading tile.
    Column,
}

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width_px: u32,
    pub(super) height_px: u32,
}

/// Sides of the whole and the cells in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) width_px: u64,
    pub(super) height_px: u64,
    pub(super) cells: Vec<Cell>,
}

/// What a grid's sides are to be to each other where nobody says how many
/// columns it has.
const ASPECT: f64 = 16.0 / 9.0;

/// What the cells are made from.
pub(super) struct Wish {
    pub(super) arrangement: Arrangement,
    pub(super) columns: Option<u32>,
    /// The tile that the others follow.
    pub(super) leading: (u32, u32),
    pub(super) most_side_px: u32,
    pub(super) border_px: u32,
    pub(super) spacing_px: u32,
}

impl Wish {
    /// Places for tiles of these sizes, none of them empty.
    pub(super) fn places(&self, sizes: &[(u32, u32)]) -> Places {
        let full = self.scaled(sizes, 1.0);
        let longer = full.width_px.max(full.height_px);
        let most = u64::from(self.most_side_px);
        if longer <= most {
            return full;
        }
        // Borders and spaces keep their pixels, so the cells give way for them too.
        let fixed = {
            let none = Wish { leading: (0, 0), ..*self };
            let empty: Vec<(u32, u32)> = sizes.iter().map(|_| (1, 1)).collect();
            let places = none.scaled(&empty, 0.0);
            if full.width_px >= full.height_px { places.width_px } else { places.height_px }
        };
        let room = most.saturating_sub(fixed) as f64;
        let scale = room / longer.saturating_sub(fixed).max(1) as f64;
        self.scaled(sizes, scale)
    }

    fn scaled(&self, sizes: &[(u32, u32)], scale: f64) -> Places {
        let side = |px: f64| ((px * scale).floor() as u32).max(1);
        let (width, height) = (f64::from(self.leading.0), f64::from(self.leading.1));
        match self.arrangement {
            Arrangement::Grid => {
                let cell = (side(width), side(height));
                let columns = self.columns.unwrap_or_else(|| best_columns(sizes.len(), cell));
                self.in_rows(columns.max(1) as usize, &vec![cell; sizes.len()])
            }
            Arrangement::Row => {
                let of = |&(w, h): &(u32, u32)| {
                    (side(height * f64::from(w) / f64::from(h)), side(height))
                };
                self.in_rows(sizes.len().max(1), &sizes.iter().map(of).collect::<Vec<_>>())
            }
            Arrangement::Column => {
                let of =
                    |&(w, h): &(u32, u32)| (side(width), side(width * f64::from(h) / f64::from(w)));
                self.in_rows(1, &sizes.iter().map(of).collect::<Vec<_>>())
            }
        }
    }

    /// Cells from left to right and from the top, so many in a row; all of a
    /// row are equally high.
    fn in_rows(&self, columns: usize, sizes: &[(u32, u32)]) -> Places {
        let (border, spacing) = (u64::from(self.border_px), u64::from(self.spacing_px));
        let mut cells = Vec::with_capacity(sizes.len());
        let (mut y, mut right) = (border, border);
        let mut bottom = border;
        for row in sizes.chunks(columns) {
            let mut x = border;
            for &(width_px, height_px) in row {
                let near = |at: u64| u32::try_from(at).unwrap_or(u32::MAX);
                cells.push(Cell { x: near(x), y: near(y), width_px, height_px });
                right = right.max(x + u64::from(width_px));
                bottom = bottom.max(y + u64::from(height_px));
                x += u64::from(width_px) + spacing;
            }
            y = bottom + spacing;
        }
        Places { width_px: right + border, height_px: bottom + border, cells }
    }
}

/// The number of columns with which the whole is nearest to 16:9.
fn best_columns(count: usize, (width_px, height_px): (u32, u32)) -> u32 {
    let far = |columns: &usize| {
        let rows = count.div_ceil(*columns);
        let aspect = (*columns as f64 * f64::from(width_px)) / (rows as f64 * f64::from(height_px));
        (aspect / ASPECT).ln().abs()
    };
    let best = (1..=count.max(1)).min_by(|one, other| far(one).total_cmp(&far(other)));
    best.unwrap_or(1) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(arrangement: Arrangement) -> Wish {
        Wish {
            arrangement,
            columns: None,
            leading: (160, 90),
            most_side_px: 10_000,
            border_px: 0,
            spacing_px: 0,
        }
    }

    #[test]
    fn a_grid_is_as_wide_as_a_screen() {
        let sizes = [(160, 90); 6];
        let places = wish(Arrangement::Grid).places(&sizes[..4]);
        assert_eq!((places.width_px, places.height_px), (320, 180));
        let places = wish(Arrangement::Grid).places(&sizes);
        assert_eq!((places.width_px, places.height_px), (480, 180));
        assert_eq!(places.cells[5], Cell { x: 320, y: 90, width_px: 160, height_px: 90 });
        let three =
            Wish { columns: Some(1), border_px: 3, spacing_px: 5, ..wish(Arrangement::Grid) };
        let places = three.places(&sizes[..3]);
        assert_eq!((places.width_px, places.height_px), (166, 286));
        assert_eq!(places.cells[2], Cell { x: 3, y: 193, width_px: 160, height_px: 90 });
    }

    #[test]
    fn what_is_snapped_together_has_one_height_or_width() {
        let sizes = [(160, 90), (100, 180), (90, 90)];
        let places = wish(Arrangement::Row).places(&sizes);
        assert_eq!((places.width_px, places.height_px), (160 + 50 + 90, 90));
        let places = wish(Arrangement::Column).places(&sizes);
        assert_eq!((places.width_px, places.height_px), (160, 90 + 288 + 160));
    }

    #[test]
    fn the_longer_side_keeps_within_the_bound() {
        for arrangement in [Arrangement::Grid, Arrangement::Row, Arrangement::Column] {
            for border_px in [0, 7] {
                let small =
                    Wish { most_side_px: 200, border_px, spacing_px: 4, ..wish(arrangement) };
                let places = small.places(&[(160, 90), (1920, 1080), (33, 70), (5, 5)]);
                let longer = places.width_px.max(places.height_px);
                assert!(longer <= 200, "{arrangement:?} {border_px}: {longer}");
                assert!(longer > 190, "{arrangement:?} {border_px}: {longer}");
            }
        }
    }
}

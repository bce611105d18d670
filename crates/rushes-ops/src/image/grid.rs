use rushes_media::{Error, ErrorKind, Limits, Picture, Pixels, Result};

use super::{numbers, picture};

/// The tiles in one sheet, row by row from the top left, `columns` to a row,
/// without gaps. Fewer tiles than columns make a sheet as wide as the tiles;
/// cells that stay free in the last row are black.
///
/// # Errors
/// `Invalid` when there is no tile or no column, or the tiles differ in size,
/// depth or colour; `Limit` when the sheet would be larger than the default
/// [`Limits`] allow.
pub fn grid(tiles: &[Picture], columns: usize) -> Result<Picture> {
    let refuse = |why: String| Err(Error::new(ErrorKind::Invalid, "making a sheet of tiles", why));
    let Some(first) = tiles.first() else {
        return refuse("there is no tile".into());
    };
    if columns == 0 {
        return refuse("a sheet with 0 columns was asked for".into());
    }
    let (width_px, height_px) = (first.width_px(), first.height_px());
    for tile in tiles {
        let alike = (tile.width_px(), tile.height_px()) == (width_px, height_px)
            && std::mem::discriminant(tile.pixels()) == std::mem::discriminant(first.pixels())
            && tile.color == first.color;
        if !alike {
            let (other_width, other_height) = (tile.width_px(), tile.height_px());
            return refuse(format!(
                "a tile of {other_width}x{other_height} pixels does not match the first, of {width_px}x{height_px}, in size, depth or colour"
            ));
        }
    }
    let columns = columns.min(tiles.len());
    let rows = tiles.len().div_ceil(columns);
    let number_bytes = if matches!(first.pixels(), Pixels::U8(_)) { 3 } else { 6 };
    let sheet_width = u64::from(width_px).saturating_mul(columns as u64);
    let sheet_height = u64::from(height_px).saturating_mul(rows as u64);
    Limits::default().check_picture(sheet_width, sheet_height, number_bytes)?;
    let (sheet_width, sheet_height) = (sheet_width as u32, sheet_height as u32);

    let wanted = numbers(sheet_width, sheet_height);
    let tile_row = numbers(width_px, 1);
    let pixels = match first.pixels() {
        Pixels::U8(_) => {
            let parts: Vec<&[u8]> = tiles
                .iter()
                .filter_map(|tile| match tile.pixels() {
                    Pixels::U8(values) => Some(values.as_slice()),
                    Pixels::U16(_) => None,
                })
                .collect();
            Pixels::U8(laid_out(&parts, columns, tile_row, wanted))
        }
        Pixels::U16(_) => {
            let parts: Vec<&[u16]> = tiles
                .iter()
                .filter_map(|tile| match tile.pixels() {
                    Pixels::U16(values) => Some(values.as_slice()),
                    Pixels::U8(_) => None,
                })
                .collect();
            Pixels::U16(laid_out(&parts, columns, tile_row, wanted))
        }
    };
    Ok(picture(sheet_width, sheet_height, pixels, first.color.clone()))
}

/// One row of tiles after the other, each by its own rows.
fn laid_out<T: Copy + Default>(
    tiles: &[&[T]],
    columns: usize,
    tile_row: usize,
    wanted: usize,
) -> Vec<T> {
    let mut sheet = Vec::with_capacity(wanted);
    for row_of_tiles in tiles.chunks(columns) {
        let mut sources: Vec<_> =
            row_of_tiles.iter().map(|tile| tile.chunks_exact(tile_row)).collect();
        let row_count = sources.first().map_or(0, ExactSizeIterator::len);
        for _ in 0..row_count {
            for source in &mut sources {
                sheet.extend_from_slice(source.next().unwrap_or_default());
            }
            let free = (columns - row_of_tiles.len()) * tile_row;
            sheet.resize(sheet.len() + free, T::default());
        }
    }
    sheet
}

/// The index within `0..len` that a position beyond the border mirrors to,
/// the outermost pixel not repeated: `c b | a b c d | c b`. This is OpenCV's
/// `BORDER_REFLECT_101` and NumPy's `reflect`. `len` is at least 1.
pub(crate) fn reflect_101(position: i64, len: usize) -> usize {
    let period = 2 * (len as i64 - 1);
    if period <= 0 {
        return 0;
    }
    let folded = position.rem_euclid(period);
    folded.min(period - folded) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reflects_as_often_as_needed() {
        let found: Vec<usize> = (-5..8).map(|position| reflect_101(position, 3)).collect();
        assert_eq!(found, [1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1]);
        assert_eq!(reflect_101(-9, 1), 0);
    }
}

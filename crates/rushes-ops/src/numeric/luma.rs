/// Luma of red, green and blue, Rec. ITU-R BT.709-6, item 3.2.
pub(crate) fn luma([red, green, blue]: [f64; 3]) -> f64 {
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

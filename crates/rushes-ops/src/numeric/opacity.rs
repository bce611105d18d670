/// Colours multiplied by opacity, of which `full` is all.
pub(crate) fn multiply(pixel: &mut [f32; 4], full: f32) {
    let [red, green, blue, alpha] = pixel;
    let share = *alpha / full;
    *red *= share;
    *green *= share;
    *blue *= share;
}

/// Colours divided by opacity again; black where there is none. Opacity that
/// a filter took below none or above all becomes none or all.
pub(crate) fn unmultiply(pixel: &mut [f32; 4], full: f32) {
    let [red, green, blue, alpha] = pixel;
    let factor = if *alpha > 0.0 { full / *alpha } else { 0.0 };
    *red *= factor;
    *green *= factor;
    *blue *= factor;
    *alpha = alpha.clamp(0.0, full);
}

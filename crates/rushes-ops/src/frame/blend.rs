use rushes_media::{Frame, Layout, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::PairOperation;
use crate::numeric::{Sample, each_depth, luma, paired, shares, within};

/// Lays another frame over this one, as "Compositing and Blending Level 1" of
/// the W3C says (source-over).
///
/// The layer has the same size and any depth and layout; onto grey its luma
/// (BT.709) is laid. Normal, add, subtract and difference take floats as they
/// are; the other modes clamp both frames to 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Blend {
    /// How the colours of both make one.
    pub mode: Mode,
    /// How much of the layer there is: 0 to 1, times its own opacity.
    pub opacity: f64,
}

/// How the colours of a frame and of a layer make one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The layer's.
    #[default]
    Normal,
    /// Their product.
    Multiply,
    /// The product of what both lack of white, off white.
    Screen,
    /// Multiply where the frame is dark, else screen.
    Overlay,
    /// The darker.
    Darken,
    /// The lighter.
    Lighten,
    /// The frame brightened by the layer.
    ColorDodge,
    /// The frame darkened by the layer.
    ColorBurn,
    /// Multiply where the layer is dark, else screen.
    HardLight,
    /// Hard light, more gently.
    SoftLight,
    /// How far apart they are.
    Difference,
    /// As difference, with less contrast.
    Exclusion,
    /// Their sum.
    Add,
    /// The frame less the layer.
    Subtract,
    /// The frame less the layer, plus a half: grain on grey.
    GrainExtract,
    /// Their sum, less a half: adds such grain again.
    GrainMerge,
}

impl Default for Blend {
    fn default() -> Blend {
        Blend { mode: Mode::Normal, opacity: 1.0 }
    }
}

impl PairOperation for Blend {
    fn check(&self) -> Result<()> {
        within("opacity", self.opacity, 0.0..=1.0)
    }

    fn apply(&self, frame: &Frame, other: &Frame) -> Result<Frame> {
        self.check()?;
        paired("the layer", frame, other)?;
        let layer = shares(other);
        let layout = frame.layout();
        let values = each_depth!(frame.values(), |values| self.blended(values, layout, &layer));
        frame.remade(frame.width_px(), frame.height_px(), layout, values)
    }
}

impl Blend {
    fn blended<T: Sample>(&self, values: &[T], layout: Layout, layer: &[[f32; 4]]) -> Vec<T> {
        let mut found = values.to_vec();
        let opacity = self.opacity as f32;
        let pixels = found.chunks_exact_mut(layout.channels()).zip(layer);
        for (pixel, &[red, green, blue, alpha]) in pixels {
            let alpha = alpha.clamp(0.0, 1.0) * opacity;
            match pixel {
                [base @ .., base_alpha] if layout == Layout::Rgba => {
                    let under = (base_alpha.real() / T::FULL as f32).clamp(0.0, 1.0);
                    self.lay(base, [red, green, blue], under, alpha);
                    *base_alpha = T::nearest((alpha + under * (1.0 - alpha)) * T::FULL as f32);
                }
                [_] => {
                    let gray = luma([red, green, blue].map(f64::from)) as f32;
                    self.lay(pixel, [gray; 3], 1.0, alpha);
                }
                _ => self.lay(pixel, [red, green, blue], 1.0, alpha),
            }
        }
        found
    }

    /// Colours of opacity `alpha` over a pixel of opacity `under`.
    fn lay<T: Sample>(&self, pixel: &mut [T], layer: [f32; 3], under: f32, alpha: f32) {
        let full = T::FULL as f32;
        let together = alpha + under * (1.0 - alpha);
        if together <= 0.0 {
            pixel.fill(T::default());
            return;
        }
        for (number, source) in pixel.iter_mut().zip(layer) {
            let base = number.real() / full;
            let mixed = under * self.mode.mixed(base, source) + (1.0 - under) * source;
            let sum = alpha * mixed + (1.0 - alpha) * under * base;
            *number = T::nearest(sum / together * full);
        }
    }
}

impl Mode {
    fn mixed(self, base: f32, layer: f32) -> f32 {
        let open = matches!(self, Mode::Normal | Mode::Add | Mode::Subtract | Mode::Difference);
        let clamped = |number: f32| if open { number } else { number.clamp(0.0, 1.0) };
        let (base, layer) = (clamped(base), clamped(layer));
        let screen = |one: f32, other: f32| one + other - one * other;
        let hard_light = |base: f32, layer: f32| {
            if layer <= 0.5 { 2.0 * base * layer } else { screen(base, 2.0 * layer - 1.0) }
        };
        match self {
            Mode::Normal => layer,
            Mode::Multiply => base * layer,
            Mode::Screen => screen(base, layer),
            Mode::Overlay => hard_light(layer, base),
            Mode::Darken => base.min(layer),
            Mode::Lighten => base.max(layer),
            Mode::ColorDodge if base <= 0.0 => 0.0,
            Mode::ColorDodge if layer >= 1.0 => 1.0,
            Mode::ColorDodge => (base / (1.0 - layer)).min(1.0),
            Mode::ColorBurn if base >= 1.0 => 1.0,
            Mode::ColorBurn if layer <= 0.0 => 0.0,
            Mode::ColorBurn => 1.0 - ((1.0 - base) / layer).min(1.0),
            Mode::HardLight => hard_light(base, layer),
            Mode::SoftLight if layer <= 0.5 => base - (1.0 - 2.0 * layer) * base * (1.0 - base),
            Mode::SoftLight => {
                let lifted = if base <= 0.25 {
                    ((16.0 * base - 12.0) * base + 4.0) * base
                } else {
                    base.sqrt()
                };
                base + (2.0 * layer - 1.0) * (lifted - base)
            }
            Mode::Difference => (base - layer).abs(),
            Mode::Exclusion => base + layer - 2.0 * base * layer,
            Mode::Add => base + layer,
            Mode::Subtract => base - layer,
            Mode::GrainExtract => (base - layer + 0.5).clamp(0.0, 1.0),
            Mode::GrainMerge => (base + layer - 0.5).clamp(0.0, 1.0),
        }
    }
}

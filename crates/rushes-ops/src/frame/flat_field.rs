use rushes_media::{Frame, Layout, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::PairOperation;
use crate::numeric::{Planes, blurred, full, gaussian_kernel, is_empty, luma, paired, within};

/// Evens out light by a frame of nothing but it: dust, vignettes and uneven
/// lamps go.
///
/// Each colour becomes (colour - dark) * mean / (flat - dark), the mean being
/// that of flat - dark where it is above 0. Where the flat frame is not above
/// dark, the colour stays. The flat frame has the same size and any depth and
/// layout; grey serves all colours, colours serve grey by their luma (BT.709).
/// Opacity stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FlatField {
    /// What the sensor gives in the dark, as a share of full brightness: 0 to 1.
    pub dark: f64,
    /// Deviation of a Gaussian that the flat frame is blurred by first, against
    /// its noise, in pixels: 0.1 to 250, or 0 for none.
    pub sigma_px: f64,
}

impl PairOperation for FlatField {
    fn check(&self) -> Result<()> {
        within("dark", self.dark, 0.0..=1.0)?;
        if self.sigma_px == 0.0 { Ok(()) } else { within("sigma_px", self.sigma_px, 0.1..=250.0) }
    }

    fn apply(&self, frame: &Frame, other: &Frame) -> Result<Frame> {
        self.check()?;
        paired("the flat frame", frame, other)?;
        if is_empty(frame) {
            return Ok(frame.clone());
        }
        let gains = self.gains(other, frame.layout());
        let planes = Planes::colors(frame);
        let size = (planes.width, planes.height);
        let dark = (self.dark * full(frame)) as f32;
        let even = planes.each(size, |plane, channel| {
            let gains = gains.get(channel).or(gains.first()).into_iter().flatten();
            let evened = plane.iter().zip(gains).map(|(&number, gain)| match gain {
                Some(gain) => (number - dark) * gain,
                None => number,
            });
            evened.collect()
        });
        even.into_frame(frame)
    }
}

impl FlatField {
    /// What the numbers of each colour are multiplied by; none where light is
    /// not known.
    fn gains(&self, flat: &Frame, layout: Layout) -> Vec<Vec<Option<f32>>> {
        let mut light = Planes::colors(flat);
        let size = (light.width, light.height);
        if self.sigma_px > 0.0 {
            let kernel = gaussian_kernel(self.sigma_px);
            light = light.each(size, |plane, _| blurred(plane, size.0, &kernel));
        }
        let mut planes = light.planes;
        if let ([red, green, blue], Layout::Gray) = (planes.as_slice(), layout) {
            let pixels = red.iter().zip(green).zip(blue);
            let gray = pixels.map(|((&r, &g), &b)| luma([r, g, b].map(f64::from)) as f32).collect();
            planes = vec![gray];
        }
        let dark = (self.dark * full(flat)) as f32;
        planes.iter().map(|plane| gains(plane, dark)).collect()
    }
}

fn gains(light: &[f32], dark: f32) -> Vec<Option<f32>> {
    let above = || light.iter().map(|number| number - dark).filter(|&above| above > 0.0);
    let mean = above().map(f64::from).sum::<f64>() / above().count() as f64;
    let gain = |number: &f32| {
        let above = number - dark;
        (above > 0.0).then(|| (mean / f64::from(above)) as f32)
    };
    light.iter().map(gain).collect()
}

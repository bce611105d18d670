//! Numbers of other colour spaces made sRGB (IEC 61966-2-1): by an ICC profile
//! (ICC.1:2022) or by code points of ITU-T H.273.
//!
//! A profile comes from the file and is hostile like the rest of it. One that
//! is broken, too large or not understood leaves the numbers as they are, which
//! takes them for sRGB: a picture in slightly wrong colours is better than none.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use moxcms::{
    CicpColorPrimaries, CicpProfile, CmsError, ColorProfile, DataColorSpace, Layout,
    MatrixCoefficients, RenderingIntent, TransferCharacteristics, TransformExecutor,
    TransformOptions,
};

use super::rgb;

/// The largest profile that is applied; those of presses have 1 to 3 MB.
const PROFILE_BYTES: usize = 8 << 20;
/// Entries of a profile's table; real ones have about twenty.
const ENTRIES: usize = 200;
/// What decides colour: everything else in a profile is left unread, as texts
/// in many languages can be made to take gigabytes.
const NEEDED: [&[u8; 4]; 12] = [
    b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC", b"kTRC", b"wtpt", b"chad", b"A2B0",
    b"A2B1", b"A2B2",
];
/// Numbers that are converted at once: whole pixels of 3 and of 4.
const PIECE: usize = 12 << 10;
/// The lightest that the darkest ink may be to count as black (L* of 50).
const BLACK_LIMIT: f32 = 0.184;

/// What a picture's numbers mean when that is not sRGB.
pub(super) struct Profile {
    profile: Box<ColorProfile>,
}

impl Profile {
    /// An embedded ICC profile, if it is one that can be applied.
    pub fn from_icc(bytes: &[u8]) -> Option<Profile> {
        let bytes = only_needed(bytes)?;
        guarded(|| ColorProfile::new_from_slice(&bytes).ok()).map(Profile::of)
    }

    /// RGB with primaries and transfer by their code points in ITU-T H.273;
    /// `None` when that is sRGB, or not said. Transfers that displays show like
    /// sRGB (BT.709, BT.601, BT.2020) count as it. PQ and HLG are not for here.
    pub fn from_code_points(primaries: u16, transfer: u16) -> Option<Profile> {
        let primaries = CicpColorPrimaries::try_from(u8::try_from(primaries).ok()?).ok()?;
        let transfer = match transfer {
            4 => TransferCharacteristics::Bt470M,
            5 => TransferCharacteristics::Bt470Bg,
            8 => TransferCharacteristics::Linear,
            _ => TransferCharacteristics::Srgb,
        };
        if primaries == CicpColorPrimaries::Bt709 && transfer == TransferCharacteristics::Srgb {
            return None;
        }
        let mut profile = ColorProfile::new_srgb();
        profile.cicp = None;
        profile.update_rgb_colorimetry_from_cicp(CicpProfile {
            color_primaries: primaries,
            transfer_characteristics: transfer,
            matrix_coefficients: MatrixCoefficients::Identity,
            full_range: true,
        });
        // Set only when the primaries are known.
        profile.cicp?;
        Some(Profile::of(profile))
    }

    /// Adobe RGB (1998), which cameras may write without a profile.
    pub fn adobe_rgb() -> Profile {
        Profile::of(ColorProfile::new_adobe_rgb())
    }

    fn of(profile: ColorProfile) -> Profile {
        Profile { profile: Box::new(profile) }
    }

    /// Converts RGB, or RGB with alpha; `None` when there is nothing to
    /// convert or the profile is of another colour space.
    pub fn rgb<T: Depth>(&self, has_alpha: bool) -> Option<Conversion<T>> {
        if self.profile.color_space != DataColorSpace::Rgb {
            return None;
        }
        let layout = if has_alpha { Layout::Rgba } else { Layout::Rgb };
        let mut conversion = guarded(|| {
            let transform = transform::<T>(&self.profile, layout, layout)?;
            Some(Conversion { transform, room: vec![T::default(); PIECE] })
        })?;
        conversion.moves_colours(if has_alpha { 4 } else { 3 }).then_some(conversion)
    }

    /// What each grey becomes, from black to white in [`Depth::LEVELS`] steps;
    /// `None` when the profile is not of grey or RGB, or moves none by more than
    /// 1 of 255: most are sRGB's own.
    pub fn grey<T: Depth>(&self) -> Option<Vec<T>> {
        let is_grey = self.profile.color_space == DataColorSpace::Gray;
        if !is_grey && self.profile.color_space != DataColorSpace::Rgb {
            return None;
        }
        let last = T::LEVELS - 1;
        let level = |step: usize| (step * 65_535 / last) as u16;
        let (layout, copies) = if is_grey { (Layout::Gray, 1) } else { (Layout::Rgb, 3) };
        let greys: Vec<u16> =
            (0..=last).flat_map(|step| std::iter::repeat_n(level(step), copies)).collect();
        let converted = guarded(|| {
            let mut converted = vec![0; T::LEVELS * 3];
            let transform = transform::<u16>(&self.profile, layout, Layout::Rgb)?;
            transform.transform(&greys, &mut converted).ok()?;
            Some(converted)
        })?;
        // Grey stays grey: where a profile tints it, green is nearest to its lightness.
        let greens = || converted.as_chunks::<3>().0.iter().map(|&[_, green, _]| green);
        let moves = greens().enumerate().any(|(step, green)| level(step).abs_diff(green) > 257);
        moves.then(|| greens().map(T::of).collect())
    }

    /// CMYK, 255 being all ink, as RGB; `None` when the profile is of another
    /// colour space. The darkest ink becomes black (black point compensation,
    /// ISO 18619), as it does in Photoshop and with LittleCMS.
    pub fn rgb_of_cmyk(&self, inks: &[u8]) -> Option<Vec<u8>> {
        if self.profile.color_space != DataColorSpace::Cmyk {
            return None;
        }
        guarded(|| {
            let transform = transform::<u16>(&self.profile, Layout::Rgba, Layout::Rgb)?;
            let mut darkest = [0; 3];
            transform.transform(&[65_535; 4], &mut darkest).ok()?;
            let signals = from_black(&darkest);
            let mut output = Vec::with_capacity(inks.len() / 4 * 3);
            let mut wide = Vec::with_capacity(PIECE);
            let mut converted = vec![0; PIECE / 4 * 3];
            for piece in inks.chunks(PIECE) {
                wide.clear();
                wide.extend(piece.iter().map(|&ink| u16::from(ink) * 257));
                let room = converted.get_mut(..piece.len() / 4 * 3)?;
                transform.transform(&wide, room).ok()?;
                let signal = |&value: &u16| signals.get(usize::from(value)).copied();
                output.extend(room.iter().filter_map(signal));
            }
            Some(output)
        })
    }
}

/// A number of a picture.
pub(super) trait Depth: Copy + Default + Into<u32> + 'static {
    /// How many there are.
    const LEVELS: usize;

    /// The nearest to one of 16 bits.
    fn of(value: u16) -> Self;

    /// What converts them.
    fn transform(
        from: &ColorProfile,
        layout: Layout,
        to: &ColorProfile,
        to_layout: Layout,
        options: TransformOptions,
    ) -> Result<Transform<Self>, CmsError>;
}

type Transform<T> = Arc<dyn TransformExecutor<T> + Send + Sync>;

impl Depth for u8 {
    const LEVELS: usize = 256;

    fn of(value: u16) -> u8 {
        rgb::to_8_bits(value)
    }

    fn transform(
        from: &ColorProfile,
        layout: Layout,
        to: &ColorProfile,
        to_layout: Layout,
        options: TransformOptions,
    ) -> Result<Transform<u8>, CmsError> {
        from.create_transform_8bit(layout, to, to_layout, options)
    }
}

impl Depth for u16 {
    const LEVELS: usize = 65_536;

    fn of(value: u16) -> u16 {
        value
    }

    fn transform(
        from: &ColorProfile,
        layout: Layout,
        to: &ColorProfile,
        to_layout: Layout,
        options: TransformOptions,
    ) -> Result<Transform<u16>, CmsError> {
        from.create_transform_16bit(layout, to, to_layout, options)
    }
}

/// To sRGB, as pictures are meant to be seen (perceptual), or by the first
/// other intent that the profile has.
fn transform<T: Depth>(from: &ColorProfile, layout: Layout, to: Layout) -> Option<Transform<T>> {
    let srgb = ColorProfile::new_srgb();
    let intents = [
        RenderingIntent::Perceptual,
        RenderingIntent::RelativeColorimetric,
        RenderingIntent::Saturation,
    ];
    intents.into_iter().find_map(|rendering_intent| {
        let options = TransformOptions {
            rendering_intent,
            prefer_fixed_point: false,
            ..TransformOptions::default()
        };
        T::transform(from, layout, &srgb, to, options).ok()
    })
}

/// Converts whole pixels in place.
pub(super) struct Conversion<T> {
    transform: Transform<T>,
    room: Vec<T>,
}

impl<T: Depth> Conversion<T> {
    /// Converts these pixels. Numbers that cannot be converted stay.
    pub fn apply(&mut self, values: &mut [T]) {
        guarded(|| {
            for piece in values.chunks_mut(PIECE) {
                let room = self.room.get_mut(..piece.len())?;
                self.transform.transform(piece, room).ok()?;
                piece.copy_from_slice(room);
            }
            Some(())
        });
    }

    /// Whether any of a few hundred colours moves by more than 1 of 255. Most
    /// profiles are sRGB's own, and pictures with one need no conversion.
    fn moves_colours(&mut self, channels: usize) -> bool {
        const STEPS: usize = 9;
        let level = |step: usize| step * (T::LEVELS - 1) / (STEPS - 1);
        let number = |level: usize| T::of((level * 65_535 / (T::LEVELS - 1)) as u16);
        let colours: Vec<T> = (0..STEPS.pow(3))
            .flat_map(|index| {
                let steps = [index / STEPS.pow(2), index / STEPS % STEPS, index % STEPS, STEPS - 1];
                steps.into_iter().take(channels).map(|step| number(level(step)))
            })
            .collect();
        let mut converted = colours.clone();
        self.apply(&mut converted);
        let allowed = (T::LEVELS / 256) as u32;
        let numbers = |values: &[T]| values.iter().map(|&value| value.into()).collect::<Vec<u32>>();
        numbers(&colours)
            .iter()
            .zip(numbers(&converted))
            .any(|(before, after)| before.abs_diff(after) > allowed)
    }
}

/// The numbers of 16 bits that come out for ink, with this darkest one, as
/// 8-bit sRGB from black on.
fn from_black(darkest: &[u16; 3]) -> Vec<u8> {
    let light = |value: u16| rgb::to_linear(f32::from(value) / 65_535.0);
    let [red, green, blue] = darkest.map(light);
    let black = (0.2126 * red + 0.7152 * green + 0.0722 * blue).min(BLACK_LIMIT);
    (0..=u16::MAX).map(|value| rgb::from_linear((light(value) - black) / (1.0 - black))).collect()
}

/// The profile with nothing in its table but the first of each entry that is
/// needed; `None` when it is too large or too short to be one.
fn only_needed(profile: &[u8]) -> Option<Vec<u8>> {
    if profile.len() > PROFILE_BYTES {
        return None;
    }
    let count = u32::from_be_bytes(*profile.get(128..132)?.first_chunk::<4>()?) as usize;
    let table = profile.get(132..132_usize.checked_add(count.checked_mul(12)?)?)?;
    let mut kept: Vec<&[u8; 12]> = Vec::new();
    for entry in table.as_chunks::<12>().0.iter().take(ENTRIES) {
        let is_needed = NEEDED.iter().any(|name| entry.starts_with(*name));
        if is_needed && !kept.iter().any(|known| known[..4] == entry[..4]) {
            kept.push(entry);
        }
    }
    // Places count from the start of the profile, so that the rest stays where it is.
    let mut bytes = profile.to_vec();
    bytes.get_mut(128..132)?.copy_from_slice(&(kept.len() as u32).to_be_bytes());
    for (room, entry) in bytes.get_mut(132..)?.as_chunks_mut::<12>().0.iter_mut().zip(kept.iter()) {
        *room = **entry;
    }
    Some(bytes)
}

/// What the work gives, or `None` when it panics: a profile or a picture can lead
/// the library to places that it was never meant to reach.
pub(super) fn guarded<R>(work: impl FnOnce() -> Option<R>) -> Option<R> {
    catch_unwind(AssertUnwindSafe(work)).ok().flatten()
}

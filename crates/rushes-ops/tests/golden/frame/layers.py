"""Skia, blend_modes, NumPy, OpenCV."""
import blend_modes
import numpy as np
import skia

from cases import LUMA, full, like, small
from filters import gaussian

# What Skia, which follows the W3C too, calls them.
SKIA = {"normal": "SrcOver", "multiply": "Multiply", "screen": "Screen", "overlay": "Overlay",
        "darken": "Darken", "lighten": "Lighten", "color_dodge": "ColorDodge",
        "color_burn": "ColorBurn", "hard_light": "HardLight", "soft_light": "SoftLight",
        "difference": "Difference", "exclusion": "Exclusion"}
LIBRARY = {"add": blend_modes.addition, "grain_extract": blend_modes.grain_extract,
           "grain_merge": blend_modes.grain_merge}
OTHER = {"u8": "u16", "u16": "u8", "f32": "u16"}


def rgba(array):
    """Shares, [H, W, 4] f64, of floats only what lies within 0 to 1."""
    shares = np.clip(array / np.float64(full(array)), 0, 1)
    if shares.ndim == 2:
        shares = np.dstack([shares] * 3)
    return shares if shares.shape[2] == 4 else np.dstack([shares, np.ones(shares.shape[:2])])


def as_base(shares, base):
    done = shares * full(base)
    if base.ndim == 2:
        return like(done[..., 0], base)
    return like(done[..., :base.shape[2]], base)


def over_gray(base, layer):
    """A layer as grey as the base."""
    if base.ndim == 2:
        layer[..., :3] = (layer[..., :3] @ LUMA)[..., None]
    return layer


def by_skia(mode, opacity):
    def over(base, layer):
        top = over_gray(base, rgba(layer))
        top[..., 3] *= opacity
        low = rgba(base)
        height, width = low.shape[:2]
        floats = skia.ImageInfo.Make(width, height, skia.kRGBA_F32_ColorType, skia.kPremul_AlphaType)
        surface = skia.Surface.MakeRaster(floats)
        for shares, how in [(low, "Src"), (top, SKIA[mode])]:
            image = skia.Image.fromarray(shares.astype(np.float32), colorType=skia.kRGBA_F32_ColorType)
            paint = skia.Paint(BlendMode=getattr(skia.BlendMode, f"k{how}"))
            surface.getCanvas().drawImage(image, 0, 0, skia.SamplingOptions(), paint)
        done = np.zeros((height, width, 4), np.float32)
        straight = floats.makeAlphaType(skia.kUnpremul_AlphaType)
        assert surface.readPixels(straight, done, 16 * width, 0, 0)
        return as_base(done.astype(np.float64), base)
    return over


def by_library(mode, opacity):
    """For frames without opacity, which it does not change."""
    def over(base, layer):
        top = over_gray(base, rgba(layer))
        return as_base(LIBRARY[mode](rgba(base) * 255, top * 255, opacity) / 255, base)
    return over


def summed(sign, opacity):
    """Source-over as the W3C writes it for colours multiplied by opacity."""
    def over(base, layer):
        low, top = rgba(base), over_gray(base, rgba(layer))
        under, alpha = low[..., 3:], top[..., 3:] * opacity
        low, top = low[..., :3] * under, top[..., :3] * alpha
        done = low * alpha + sign * top * under + top * (1 - under) + low * (1 - alpha)
        together = alpha + under - alpha * under
        done = np.divide(done, together, out=np.zeros_like(done), where=together > 0)
        return as_base(np.dstack([done, together]), base)
    return over


def evened(dark, sigma):
    def over(array, flat):
        light = flat[..., :3].astype(np.float32) if flat.ndim == 3 else flat.astype(np.float32)
        if sigma:
            light = gaussian(sigma)(np.ascontiguousarray(light))
        light = light.astype(np.float64) / full(flat) - dark
        planes = array[..., None] if array.ndim == 2 else array
        colors = planes[..., :3].astype(np.float64)
        light = np.broadcast_to(light[..., None], colors.shape) if light.ndim == 2 else light
        if array.ndim == 2 and flat.ndim == 3:
            light = ((light + dark) @ LUMA - dark)[..., None]
        means = [light[..., c][light[..., c] > 0].mean() for c in range(colors.shape[2])]
        with np.errstate(divide="ignore"):
            gains = np.asarray(means) / light
        done = np.where(light > 0, (colors - dark * full(array)) * gains, colors)
        done = like(done, array)
        done = np.dstack([done, planes[..., 3:]])
        return done[..., 0] if array.ndim == 2 else done
    return over


def other(name, layout):
    """Of the same size, with other numbers."""
    size, _, depth = name.split("-")
    return f"{size.replace('unit', 'small')}-{layout}-{OTHER[depth]}"


def ranged(name):
    """Without floats beyond 0 to 1."""
    return name.startswith("unit") or name.startswith("small") and not name.endswith("f32")


def write(writer):
    for mode in SKIA:
        for opacity, layout in [(1.0, "rgba"), (0.6, "rgba"), (0.8, "gray")]:
            writer.add("blend", {"mode": mode, "opacity": opacity}, "Skia", by_skia(mode, opacity),
                       lambda n: ranged(n) and (opacity < 1 or "rgba" in n), lambda n: other(n, layout))
    for mode, sign in [("add", 1), ("subtract", -1)]:
        writer.add("blend", {"mode": mode, "opacity": 0.6}, "NumPy, W3C Compositing", summed(sign, 0.6),
                   ranged, lambda n: other(n, "rgba"))
    for mode in LIBRARY:
        writer.add("blend", {"mode": mode, "opacity": 0.7}, "blend_modes", by_library(mode, 0.7),
                   lambda n: small(n) and "rgba" not in n and "f32" not in n, lambda n: other(n, "rgb"))
    for dark, sigma, layout in [(0.05, 0, "gray"), (0, 1.2, "rgb")]:
        writer.add("flat_field", {"dark": dark, "sigma_px": sigma}, "NumPy, OpenCV GaussianBlur",
                   evened(dark, sigma), lambda n: small(n) and ("one" not in n or "u8" in n),
                   lambda n: other(n, layout))

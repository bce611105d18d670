# Written by stubs.py: do not edit.

import os
from typing import Any, Literal

import numpy
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "affine", "blend", "box_blur", "brightness", "clahe", "colormap", "contrast", "crop", "denoise",
    "flat_field", "flip", "gamma", "gaussian_blur", "grayscale", "lut", "median", "pad", "resize",
    "rotate", "sharpen", "stft", "text",
]

def affine(
    array: ArrayLike,
    *,
    border: list[float] = [0.0, 0.0, 0.0, 1.0],
    height_px: int | None = None,
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos4"] = "bilinear",
    matrix: list[list[float]] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
    width_px: int | None = None,
) -> NDArray[Any]:
    """Turns, scales, shears and shifts by a matrix."""

def blend(
    array: ArrayLike,
    layer: ArrayLike,
    *,
    mode: Literal["normal", "multiply", "screen", "overlay", "darken", "lighten", "color_dodge", "color_burn", "hard_light", "soft_light", "difference", "exclusion", "add", "subtract", "grain_extract", "grain_merge"] = "normal",
    opacity: float = 1.0,
) -> NDArray[Any]:
    """Lays another frame over this one."""

def box_blur(array: ArrayLike, *, radius_px: int = 1) -> NDArray[Any]:
    """Blurs by the mean of a square."""

def brightness(array: ArrayLike, *, amount: float = 0.0) -> NDArray[Any]:
    """Adds the same to every colour."""

def clahe(
    array: ArrayLike,
    *,
    clip_limit: float = 2.0,
    tile_columns: int = 8,
    tile_rows: int = 8,
) -> NDArray[Any]:
    """Spreads brightness tile by tile, contrast limited."""

def colormap(
    array: ArrayLike,
    *,
    high: float = 1.0,
    low: float = 0.0,
    map: Literal["viridis", "magma", "inferno", "plasma", "cividis", "turbo", "twilight", "twilight_shifted", "jet", "hot", "bone", "cool", "rainbow", "hsv", "ocean", "pink", "autumn", "spring", "summer", "winter", "parula", "deepgreen"] = "viridis",
    reversed: bool = False,
) -> NDArray[Any]:
    """Shows brightness as colour."""

def contrast(array: ArrayLike, *, factor: float = 1.0, pivot: float = 0.5) -> NDArray[Any]:
    """Moves colours away from a pivot or towards it."""

def crop(
    array: ArrayLike,
    *,
    bottom_px: int = 0,
    left_px: int = 0,
    right_px: int = 0,
    top_px: int = 0,
) -> NDArray[Any]:
    """Cuts pixels off the sides."""

def denoise(
    array: ArrayLike,
    *,
    patch_radius_px: int = 3,
    search_radius_px: int = 10,
    strength: float = 0.04,
) -> NDArray[Any]:
    """Takes out noise by the mean of like places."""

def flat_field(
    array: ArrayLike,
    flat: ArrayLike,
    *,
    dark: float = 0.0,
    sigma_px: float = 0.0,
) -> NDArray[Any]:
    """Evens out light by a frame of nothing but it."""

def flip(
    array: ArrayLike,
    *,
    axis: Literal["horizontal", "vertical"] = "horizontal",
) -> NDArray[Any]:
    """Mirrors left and right or top and bottom."""

def gamma(array: ArrayLike, *, gamma: float = 1.0) -> NDArray[Any]:
    """Brightens or darkens the middle."""

def gaussian_blur(array: ArrayLike, *, sigma_px: float = 1.0) -> NDArray[Any]:
    """Blurs by a gaussian."""

def grayscale(array: ArrayLike, *, weights: list[float] = [0.2126, 0.7152, 0.0722]) -> NDArray[Any]:
    """Makes one channel out of three."""

def lut(
    array: ArrayLike,
    *,
    cube: str | os.PathLike[str],
    mixing: Literal["tetrahedral", "trilinear"] = "tetrahedral",
) -> NDArray[Any]:
    """Looks colours up in a .cube table."""

def median(array: ArrayLike, *, radius_px: int = 1) -> NDArray[Any]:
    """Takes out specks by the median of a square."""

def pad(
    array: ArrayLike,
    *,
    bottom_px: int = 0,
    color: list[float] = [0.0, 0.0, 0.0, 1.0],
    left_px: int = 0,
    mode: Literal["constant", "edge", "reflect", "symmetric"] = "constant",
    right_px: int = 0,
    top_px: int = 0,
) -> NDArray[Any]:
    """Adds pixels at the sides."""

def resize(
    array: ArrayLike,
    *,
    filter: Literal["area", "nearest", "bilinear", "bicubic", "lanczos3"] = "area",
    height_px: int | None = None,
    scale: float | None = None,
    width_px: int | None = None,
) -> NDArray[Any]:
    """Scales to a size in pixels or by a factor."""

def rotate(array: ArrayLike, *, quarter_turns: int = 0) -> NDArray[Any]:
    """Turns by quarters, counter-clockwise."""

def sharpen(
    array: ArrayLike,
    *,
    amount: float = 1.0,
    sigma_px: float = 1.0,
    threshold: float = 0.0,
) -> NDArray[Any]:
    """Sharpens by an unsharp mask."""

def stft(
    samples: ArrayLike,
    *,
    window_samples: int = 1024,
    hop_samples: int = 256,
) -> NDArray[numpy.float32]:
    """Finds the frequencies of sound over time: the short-time Fourier transform, Hann window."""

def text(
    array: ArrayLike,
    *,
    anchor: Literal["top_left", "top", "top_right", "left", "center", "right", "bottom_left", "bottom", "bottom_right"] = "top_left",
    background: list[float] | None = None,
    color: list[float] = [1.0, 1.0, 1.0, 1.0],
    margin_px: float = 0.0,
    outline_color: list[float] = [0.0, 0.0, 0.0, 1.0],
    outline_px: float = 0.0,
    padding_px: float = 0.0,
    shadow_color: list[float] = [0.0, 0.0, 0.0, 1.0],
    shadow_px: list[float] | None = None,
    size_px: float = 24.0,
    text: str,
    x_px: float = 0.0,
    y_px: float = 0.0,
) -> NDArray[Any]:
    """Writes text into the picture."""

"""What of a grey picture becomes black and white, and pictures as channels of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy
from numpy.typing import ArrayLike, NDArray

from ..._errors import Invalid
from ._frames import WHAT, Array, ops, saturated


def get_array_minmax(input_array: ArrayLike, fullrange: bool = False) -> tuple[Any, Any]:
    """The least and the greatest number, NaN left out; with `fullrange`, of the dtype."""
    array = numpy.asarray(input_array)
    if not fullrange:
        return numpy.nanmin(array), numpy.nanmax(array)
    if array.dtype.kind in "iu":
        whole = numpy.iinfo(array.dtype)
        return whole.min, whole.max
    limits = numpy.finfo(array.dtype)
    return limits.min, limits.max


def rescale_to_8bit(
    input_array: ArrayLike,
    vmin: float | None = None,
    vmax: float | None = None,
    fullrange: bool = False,
    convert_nan_to: int = 0,
) -> NDArray[numpy.uint8]:
    """`vmin` to `vmax` as 0 to 255, fractions dropped; what is beyond is the nearer of them.

    What is None is the array's least or greatest number, or with `fullrange` the dtype's.
    """
    array = numpy.asarray(input_array)
    if vmin is None or vmax is None:
        least, greatest = get_array_minmax(array, fullrange)
        vmin, vmax = (least if vmin is None else vmin), (greatest if vmax is None else vmax)
    missing = numpy.isnan(array)
    scaled = numpy.interp(numpy.where(missing, vmin, array), (vmin, vmax), (0, 255))
    return numpy.where(missing, convert_nan_to, scaled).astype(numpy.uint8)


def find_best_exposure(
    image: ArrayLike, method: str = "percentile", pmin: float = 2, pmax: float = 98
) -> tuple[Any, Any]:
    """The percentiles `pmin` and `pmax` of a picture, NaN left out."""
    if method != "percentile":
        raise Invalid(WHAT, f"method is {method!r}", 'it may be "percentile"')
    picture = numpy.asarray(image)
    return numpy.nanpercentile(picture, pmin), numpy.nanpercentile(picture, pmax)


def binarize(image: ArrayLike, threshold: float, boolean: bool = True) -> Array:
    """Where a picture is above the threshold: bool, or uint8 of 0 and 255."""
    above = numpy.asarray(image) > threshold
    return above if boolean else above.astype(numpy.uint8) * numpy.uint8(255)


def contrast_brightness(array: ArrayLike, alpha: float, beta: float) -> NDArray[numpy.uint8]:
    """alpha times the picture plus beta, within 0 to 255, fractions dropped."""
    return saturated(numpy.asarray(array, float) * alpha + beta)


convert_scale = contrast_brightness


def automatic_brightness_and_contrast(
    image: ArrayLike, clip_hist_percent: float = 25, return_metrics: bool = False
) -> Any:
    """A picture stretched so that about `clip_hist_percent` of its pixels, half of them at each
    end, become black or white.

    With `return_metrics`, (picture, alpha, beta): what it was multiplied by, and what was added.
    """
    picture = numpy.asarray(image)
    gray = (
        picture if picture.ndim == 2 else ops["grayscale"](picture, weights=[0.299, 0.587, 0.114])
    )
    sums = numpy.cumsum(numpy.bincount(saturated(gray).ravel(), minlength=256))
    cut = sums[-1] * clip_hist_percent / 200
    least = int(numpy.searchsorted(sums, cut))
    greatest = int(numpy.searchsorted(sums, sums[-1] - cut)) - 1
    if greatest <= least:
        # One brightness: nothing to stretch.
        alpha, beta = 1.0, 0.0
    else:
        alpha = 255 / (greatest - least)
        beta = -least * alpha
    stretched = convert_scale(picture, alpha, beta)
    return (stretched, alpha, beta) if return_metrics else stretched


def gray_to_RBG_layers(
    sequence_or_grays: Sequence[ArrayLike],
    rescale_min_max: tuple[float | None, float | None] = (None, None),
    ensure_valid: bool = True,
) -> NDArray[numpy.uint8]:
    """Three or four grey pictures as the channels of one, all exposed alike.

    rescale_min_max: what becomes 0 and 255; None for the percentiles 2 and 98 of the first.
    ensure_valid: whether another number of pictures is a ValueError.
    """
    if ensure_valid and len(sequence_or_grays) not in (3, 4):
        why = f"there are {len(sequence_or_grays)} pictures"
        raise Invalid(WHAT, why, "give three, or four with opacity")
    least, greatest = rescale_min_max
    low, high = find_best_exposure(sequence_or_grays[0])
    low, high = (low if least is None else least), (high if greatest is None else greatest)
    return numpy.dstack([rescale_to_8bit(gray, low, high) for gray in sequence_or_grays])


def gray_to_4_layer(
    image: ArrayLike,
    apply_to: str = "red,green,blue",
    *,
    vmin: float | None = None,
    vmax: float | None = None,
    dtype: Any = numpy.uint8,
    pmin: float = 2,
    pmax: float = 98,
) -> Array:
    """A grey picture in some channels of RGBA; of the others, colours are 0 and opacity is 255.

    apply_to: "red", "green", "blue", "alpha", or "colors" for the first three, with commas.
    vmin, vmax: what becomes 0 and 255; None for the percentiles `pmin` and `pmax`.
    """
    low, high = find_best_exposure(image, pmin=pmin, pmax=pmax)
    gray = rescale_to_8bit(image, low if vmin is None else vmin, high if vmax is None else vmax)
    layers = numpy.zeros((*gray.shape, 4), dtype)
    layers[..., 3] = 255
    names = ["red", "green", "blue", "alpha"]
    for word in apply_to.replace("colors", "red,green,blue").split(","):
        if word.strip() not in names:
            raise Invalid(WHAT, f"apply_to is {apply_to!r}", f"it may have {', '.join(names)}")
        layers[..., names.index(word.strip())] = gray
    return layers

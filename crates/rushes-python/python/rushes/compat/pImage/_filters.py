"""Pixels by those around them: contrast, sharpness, blur and light."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy
from numpy.typing import ArrayLike, NDArray

from ..._errors import Invalid
from ._frames import WHAT, Array, ops


def clahe(
    array: ArrayLike,
    clahe: Any = None,
    clipLimit: float = 8,
    tileGridSize: tuple[int, int] = (5, 5),
) -> Array:
    """Brightness spread tile by tile, contrast limited; of colours the lightness of CIELAB.

    clahe: an object with OpenCV's `apply`, which is called instead.
    tileGridSize: tiles side by side, and one above the other.
    """
    if clahe is not None:
        return numpy.asarray(clahe.apply(array))
    across, down = tileGridSize
    return ops["clahe"](array, clip_limit=float(clipLimit), tile_columns=across, tile_rows=down)


def sharpen_img(img: ArrayLike, amount: float = 0.7) -> NDArray[numpy.float64]:
    """The picture less `amount` times its Laplacian (of four neighbours); float64, may be beyond 0
    to 255."""
    picture = numpy.asarray(img, float)
    wide = numpy.pad(picture, [(1, 1), (1, 1), (0, 0)][: picture.ndim], "reflect")
    around = wide[:-2, 1:-1] + wide[2:, 1:-1] + wide[1:-1, :-2] + wide[1:-1, 2:]
    return numpy.asarray(picture - amount * (around - 4 * picture))


def grayscale(image: ArrayLike, biases: Sequence[float] = (1 / 3, 1 / 3, 1 / 3)) -> Array:
    """The sum of red, green and blue, each times its bias: float64. Grey is returned as it is."""
    picture = numpy.asarray(image)
    return picture if picture.ndim == 2 else picture[..., :3] @ numpy.asarray(biases, float)


def gaussian(frame: ArrayLike, value: float) -> Array:
    """Blurred by a Gaussian of the deviation `value` in pixels, cut off at six times that.

    At the borders the outermost pixel goes on. The dtype is kept; whole numbers are rounded.
    """
    picture = numpy.asarray(frame)
    radius = int(6 * value + 0.5)
    weights = numpy.exp(-0.5 * (numpy.arange(-radius, radius + 1) / value) ** 2)
    blurred = picture.astype(float)
    for axis in (0, 1):
        widths = [(radius, radius) if axis == i else (0, 0) for i in range(picture.ndim)]
        wide, side = numpy.pad(blurred, widths, "edge"), picture.shape[axis]
        blurred = numpy.zeros(picture.shape)
        for start, weight in enumerate(weights / weights.sum()):
            blurred += weight * numpy.take(wide, range(start, start + side), axis)
    return (numpy.rint(blurred) if picture.dtype.kind in "iu" else blurred).astype(picture.dtype)


def flat_field_correction(
    image: ArrayLike, flat_field: ArrayLike | None = None, gaussian: float | None = None
) -> Array:
    """A picture divided by how bright it is lit, and brought back to the mean of that.

    flat_field: a picture of the light alone; None for the picture blurred by `gaussian` pixels.
    The dtype is kept; uint8 saturates, fractions dropped.
    """
    picture = numpy.asarray(image)
    if flat_field is None:
        if gaussian is None:
            raise Invalid(WHAT, "there is no flat field", "give flat_field or gaussian")
        field = blur(picture.astype(float), gaussian)
    else:
        field = numpy.asarray(flat_field, float)
        field = field if gaussian is None else blur(field, gaussian)
    with numpy.errstate(divide="ignore", invalid="ignore"):
        corrected = picture * (field.mean() / field)
    if picture.dtype.kind == "f":
        return numpy.asarray(corrected, picture.dtype)
    most = numpy.iinfo(picture.dtype).max
    limited = numpy.clip(numpy.nan_to_num(corrected, posinf=most), 0, most)
    return numpy.asarray(limited, picture.dtype)


# Under a name that no parameter hides.
blur = gaussian

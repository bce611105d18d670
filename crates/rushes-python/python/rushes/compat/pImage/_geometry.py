"""Where pixels are: sides cut off and put on, and pictures scaled, turned and shifted."""

from __future__ import annotations

import math
from typing import Any

import numpy
from numpy.typing import ArrayLike, NDArray

from ..._errors import Invalid
from ._frames import Array, ops


def make_crop_params(*sides: int, **named: int) -> tuple[int, int, int, int]:
    """Pixels off the top, bottom, left and right: of four numbers, of one for all, or of names and
    `value` for those that are not named."""
    names = ("top", "bottom", "left", "right")
    value = named.pop("value", None)
    if len(sides) == 1 and not named:
        return (sides[0],) * 4
    if len(sides) == 4 and not named and value is None:
        return sides[0], sides[1], sides[2], sides[3]
    if sides or set(named) - set(names) or (value is None and len(named) < 4):
        why = f"they are {sides or named}"
        raise Invalid("cutting off sides", why, f"give {', '.join(names)}, or value for the rest")
    top, bottom, left, right = (named.get(name, value or 0) for name in names)
    return top, bottom, left, right


def crop(array: ArrayLike, *sides: int, **named: int) -> Array:
    """A copy without so many pixels at its sides, given as for `make_crop_params`."""
    top, bottom, left, right = make_crop_params(*sides, **named)
    picture = numpy.asarray(array)
    rows, columns = picture.shape[:2]
    if min(top, bottom, left, right) < 0 or top + bottom >= rows or left + right >= columns:
        why = f"{(top, bottom, left, right)} of {rows}x{columns} pixels leave none"
        raise Invalid("cutting off sides", why, "cut off less")
    return picture[top : rows - bottom, left : columns - right].copy()


def scaled(array: Array, scale: float) -> Array:
    """Scaled by the mean of areas; sides are rounded down."""
    rows, columns = (max(int(side * scale), 1) for side in array.shape[:2])
    return ops["resize"](array, height_px=rows, width_px=columns)


def pad(image: ArrayLike, value: Any, mode: Any = "constant", **params: Any) -> Array:
    """Pixels at the sides, `value` of them, as `numpy.pad` makes them; colours are left alone."""
    picture = numpy.asarray(image)
    widths = numpy.broadcast_to(numpy.asarray(value, int), (2, 2)).tolist()
    return numpy.pad(picture, widths + [[0, 0]] * (picture.ndim - 2), mode, **params)


def null_image(shape: tuple[int, int]) -> NDArray[numpy.uint8]:
    """A black picture of so many rows and columns with a white X, which says that there is none."""
    rows, columns = shape
    y, x = numpy.mgrid[0:rows, 0:columns].astype(float)
    across, down = max(columns - 1, 1), max(rows - 1, 1)
    length = math.hypot(across, down)
    # How far a pixel is from each diagonal; they are one pixel wide.
    far = numpy.minimum(abs(x * down - y * across), abs(x * down + y * across - across * down))
    return numpy.asarray(numpy.rint(255 * numpy.clip(1 - far / length, 0, 1)), numpy.uint8)


def compute_transform_matrix(
    image: ArrayLike,
    dx: float,
    dy: float,
    angle: float,
    tfirst: bool = False,
    *,
    compat: bool = False,
) -> NDArray[numpy.float64]:
    """The matrix [2, 3] that turns by `angle` degrees counter-clockwise about the middle and shifts
    by (dx, dy) pixels right and down; `tfirst` shifts first.

    compat: as easimage, the middle is (rows / 2, columns / 2).
    """
    rows, columns = numpy.shape(image)[:2]
    x, y = (rows / 2, columns / 2) if compat else ((columns - 1) / 2, (rows - 1) / 2)
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    turn = numpy.array(
        [[cos, sin, (1 - cos) * x - sin * y], [-sin, cos, sin * x + (1 - cos) * y], [0, 0, 1]]
    )
    shift = numpy.array([[1, 0, dx], [0, 1, dy], [0, 0, 1]], float)
    return numpy.asarray(turn @ shift if tfirst else shift @ turn)[:2]


def affine_transform(
    array: ArrayLike,
    dx: float,
    dy: float,
    angle: float,
    tfirst: bool = False,
    bordervalue: float = 0,
    *,
    compat: bool = False,
) -> Array:
    """A picture turned and shifted by that matrix, by a Lanczos filter of eight pixels.

    bordervalue: what stands where the picture was not; NaN makes it float32.
    """
    picture = numpy.asarray(array)
    if math.isnan(bordervalue):
        picture = picture.astype(numpy.float32)
    matrix = compute_transform_matrix(picture, dx, dy, angle, tfirst, compat=compat)
    rows, columns = picture.shape[:2]
    # The border goes on outside, so that the filter mixes nothing foreign into it.
    reach = 4
    wide = pad(picture, reach, "edge")
    moved = matrix.copy()
    moved[:, 2] -= matrix[:, :2] @ (reach, reach)
    turned: Array = ops["affine"](
        wide, matrix=moved, width_px=columns, height_px=rows, interpolation="lanczos4"
    )
    y, x = numpy.mgrid[0:rows, 0:columns]
    back = numpy.linalg.inv(matrix[:, :2])
    source = numpy.tensordot(back, numpy.stack([x, y]) - matrix[:, 2, None, None], 1)
    within = (abs(source[0] - (columns - 1) / 2) <= columns / 2) & (
        abs(source[1] - (rows - 1) / 2) <= rows / 2
    )
    turned[~within] = bordervalue
    return turned

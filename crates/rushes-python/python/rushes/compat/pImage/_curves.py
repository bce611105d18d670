"""Numbers as other numbers: ranges, tables, and curves of brightness."""

from __future__ import annotations

import math
from typing import Any

import numpy
from numpy.typing import ArrayLike, NDArray

from ._frames import Array


def constrain(value: Any, mini: float = 0, maxi: float = 255) -> Any:
    """A number, or an array of them, within two others."""
    return numpy.clip(value, mini, maxi) if numpy.ndim(value) else min(max(value, mini), maxi)


def to_uint(value: Any) -> Any:
    """-1 to 1 as 0 to 255, fractions dropped: a number, or an array of them."""
    scaled_up = (numpy.asarray(value, float) + 1) / 2 * 255
    return scaled_up.astype(numpy.int64) if scaled_up.ndim else int(scaled_up)


def to_norm(value: Any) -> Any:
    """0 to 255 as -1.0 to 1.0: a number, or an array of them."""
    normal = numpy.asarray(value, float) / 255 * 2 - 1
    return normal if normal.ndim else float(normal)


def apply_lut(array: ArrayLike, lut: ArrayLike) -> Array:
    """Every number replaced by that one of the table; uint8 where all of the table fit."""
    table = numpy.asarray(lut)
    if table.dtype.kind in "iu" and table.min() >= 0 and table.max() <= 255:
        table = table.astype(numpy.uint8)
    return numpy.asarray(table[numpy.asarray(array)])


def make_lut_gamma(gamma: float, inv_gamma: bool = True) -> NDArray[numpy.uint8]:
    """The 256 numbers of 255 (i / 255) ** (1 / gamma), or of ** gamma where `inv_gamma` is false."""
    exponent = 1 / gamma if inv_gamma else gamma
    return (numpy.linspace(0, 1, 256) ** exponent * 255).astype(numpy.uint8)


def gamma(array: ArrayLike, gamma: float, inv: bool = True) -> NDArray[numpy.uint8]:
    """uint8 sent through `make_lut_gamma`; 255 stays 255."""
    return apply_lut(array, make_lut_gamma(gamma, inv))


def make_lut_curve(slope: float = 4, inflexion_point: float = 0.5) -> list[int]:
    """The 256 numbers of an S: 255 (1 + erf(slope (i / 255 - inflexion_point))) / 2."""
    return [int(255 * (1 + math.erf(slope * (i / 255 - inflexion_point))) / 2) for i in range(256)]


def curve(array: ArrayLike, slope: float, shift: float) -> NDArray[numpy.uint8]:
    """uint8 sent through `make_lut_curve`."""
    return apply_lut(array, make_lut_curve(slope, shift))

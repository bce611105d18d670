"""Text on pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy
from numpy.typing import ArrayLike

from ._frames import Array, ops
from .colors import rgb


def annotate_image(
    input_array: ArrayLike,
    text: str,
    x: float = 5,
    y: float = 5,
    fontsize: float = 100,
    font: str | None = None,
    color: str | Sequence[float] = "black",
    shadow_color: str | Sequence[float] | bool | None = False,
    shadow_size: float | None = None,
) -> Array:
    """Text on a picture, its upper left corner at (x, y).

    fontsize: the em, in pixels.
    font: only takes its place among the parameters; text is set in DejaVu Sans.
    color, shadow_color: a name of CSS, "#rrggbb", or numbers of 0 to 255; without a shadow False.
    shadow_size: how far around the letters the shadow reaches, in pixels; None for a twentieth of
        `fontsize`.
    """
    del font
    around: dict[str, Any] = {}
    if shadow_color is not None and not isinstance(shadow_color, bool):
        reach = fontsize / 20 if shadow_size is None else shadow_size
        around = {"outline_px": float(reach), "outline_color": shares(shadow_color)}
    return ops["text"](
        input_array, text=text, x_px=float(x), y_px=float(y), size_px=float(fontsize),
        color=shares(color), **around,
    )  # fmt: skip


def annotate_sequence(
    sequence: ArrayLike, text: str, time_dimension: int = 2, **params: Any
) -> Array:
    """The same text on each picture of an array."""
    frames = numpy.moveaxis(numpy.asarray(sequence), time_dimension, 0)
    return numpy.stack([annotate_image(f, text, **params) for f in frames], axis=time_dimension)


def shares(color: str | Sequence[float]) -> list[float]:
    """A colour as red, green, blue and opacity of 0 to 1."""
    return [part / 255 for part in (*rgb(color), 255)]

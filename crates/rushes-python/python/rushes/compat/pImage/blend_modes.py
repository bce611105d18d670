"""One picture upon another: floats [H, W, 4], RGBA of 0 to 255.

`opacity` is that of the layer, 0 to 1. A picture of three channels counts as opaque. Each mode
gives float64 [H, W, 4] with the opacity of `img_in`, `normal` that of both. The modes are those of
GIMP, one channel at a time; I and L are the picture and the layer, 0 to 1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy
from numpy.typing import ArrayLike, NDArray

from ..._errors import Invalid

Floats = NDArray[numpy.float64]
WHAT = "blending pictures"


def normal(
    img_in: ArrayLike, img_layer: ArrayLike, opacity: float, disable_type_checks: bool = False
) -> Floats:
    """The layer over the picture (source-over). Pictures that are no floats raise TypeError."""
    below, above = given(img_in, img_layer, opacity, disable_type_checks)
    above_alpha, below_alpha = above[..., 3:] * opacity, below[..., 3:]
    rest = below_alpha * (1 - above_alpha)
    alpha = above_alpha + rest
    colors = above[..., :3] * above_alpha + below[..., :3] * rest
    mixed = numpy.divide(colors, alpha, out=numpy.zeros_like(colors), where=alpha > 0)
    return numpy.concatenate([mixed, alpha], axis=2) * 255


def mode(name: str, formula: str, mixed: Callable[[Floats, Floats], Floats]) -> Mode:
    """A function that blends by a formula of colours of 0 to 1."""

    def blended(
        img_in: ArrayLike, img_layer: ArrayLike, opacity: float, disable_type_checks: bool = False
    ) -> Floats:
        below, above = given(img_in, img_layer, opacity, disable_type_checks)
        # The layer shows as far as both are opaque.
        above_alpha = numpy.minimum(below[..., 3:], above[..., 3:]) * opacity
        alpha = below[..., 3:] + (1 - below[..., 3:]) * above_alpha
        part = numpy.divide(above_alpha, alpha, out=numpy.zeros_like(alpha), where=alpha > 0)
        with numpy.errstate(divide="ignore", invalid="ignore"):
            colors = mixed(below[..., :3], above[..., :3])
        # A sum may leave 0 to 1, and is limited once it is mixed.
        colors = numpy.nan_to_num(colors, posinf=1)
        if name not in ("addition", "subtract"):
            colors = numpy.clip(colors, 0, 1)
        colors = numpy.clip(colors * part + below[..., :3] * (1 - part), 0, 1)
        return numpy.concatenate([colors, below[..., 3:]], axis=2) * 255

    blended.__name__ = blended.__qualname__ = name
    blended.__doc__ = f"{formula}. Pictures that are no floats raise TypeError."
    return blended


Mode = Callable[..., Floats]

soft_light = mode(
    "soft_light",
    "(1 - I) I L + I (1 - (1 - I) (1 - L))",
    lambda i, a: (1 - i) * i * a + i * (1 - (1 - i) * (1 - a)),
)
lighten_only = mode("lighten_only", "max(I, L)", numpy.maximum)
screen = mode("screen", "1 - (1 - I) (1 - L)", lambda i, a: 1 - (1 - i) * (1 - a))
dodge = mode("dodge", "I / (1 - L)", lambda i, a: i / (1 - a))
addition = mode("addition", "I + L", numpy.add)
darken_only = mode("darken_only", "min(I, L)", numpy.minimum)
multiply = mode("multiply", "I L", numpy.multiply)
hard_light = mode(
    "hard_light",
    "2 I L where L is below 0.5, else 1 - 2 (1 - I) (1 - L)",
    lambda i, a: numpy.where(a > 0.5, 1 - 2 * (1 - i) * (1 - a), 2 * i * a),
)
difference = mode("difference", "|I - L|", lambda i, a: abs(i - a))
subtract = mode("subtract", "I - L", numpy.subtract)
grain_extract = mode("grain_extract", "I - L + 0.5", lambda i, a: i - a + 0.5)
grain_merge = mode("grain_merge", "I + L - 0.5", lambda i, a: i + a - 0.5)
divide = mode("divide", "256 / 255 I / (L + 1 / 255)", lambda i, a: 256 / 255 * i / (a + 1 / 255))
overlay = mode(
    "overlay",
    "2 I L where I is below 0.5, else 1 - 2 (1 - I) (1 - L)",
    lambda i, a: numpy.where(i < 0.5, 2 * i * a, 1 - 2 * (1 - i) * (1 - a)),
)


def given(
    img_in: ArrayLike, img_layer: ArrayLike, opacity: float, unchecked: bool
) -> tuple[Floats, Floats]:
    """Both as RGBA of 0 to 1."""
    if not 0 <= opacity <= 1:
        raise Invalid(WHAT, f"opacity is {opacity!r}", "it may be 0 to 1")
    pictures = [numpy.asarray(image) for image in (img_in, img_layer)]
    for picture in pictures:
        if picture.dtype.kind != "f" and not unchecked:
            raise TypeError(f"blending takes floats of 0 to 255, not {picture.dtype}")
        if picture.ndim != 3 or picture.shape[2] not in (3, 4):
            shape = "x".join(map(str, picture.shape))
            raise Invalid(WHAT, f"the array's shape is {shape}", "it may be [H, W, 4]")
    if pictures[0].shape[:2] != pictures[1].shape[:2]:
        raise Invalid(WHAT, "the pictures differ in size", "scale one to the other")
    below, above = (
        picture
        if picture.shape[2] == 4
        else numpy.pad(picture, [(0, 0), (0, 0), (0, 1)], constant_values=255)
        for picture in pictures
    )
    return below.astype(float) / 255, above.astype(float) / 255

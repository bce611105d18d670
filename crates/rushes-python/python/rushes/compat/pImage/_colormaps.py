"""Grey pictures in the colours of a map."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy
from numpy.typing import ArrayLike, NDArray

from ._frames import WHAT, Array, Unsupported, ops
from ._exposure import get_array_minmax, rescale_to_8bit
from .colors import rgb

# OpenCV's numbers of its colour maps.
CMAPS = {
    0: "autumn", 1: "bone", 2: "jet", 3: "winter", 4: "rainbow", 5: "ocean", 6: "summer",
    7: "spring", 8: "cool", 9: "hsv", 10: "pink", 11: "hot", 12: "parula", 13: "magma",
    14: "inferno", 15: "plasma", 16: "viridis", 17: "cividis", 18: "twilight",
    19: "twilight_shifted", 20: "turbo", 21: "deepgreen",
}  # fmt: skip


def array_gray_to_color(
    input_array: ArrayLike,
    vmin: float | None = None,
    vmax: float | None = None,
    fullrange: bool = False,
    cmap: int | str = 2,
    reverse: bool = False,
    mask_where: ArrayLike | None = None,
    mask_color: int | Sequence[int] = 0,
    *,
    compat: bool = False,
) -> NDArray[numpy.uint8]:
    """Brightness as colours of a map: RGB [H, W, 3].

    cmap: OpenCV's number of a map, or a name of `rushes.ops.colormap`.
    reverse: whether `vmin` gets the map's last colour.
    mask_where: where `mask_color` stands instead.
    compat: as easimage: BGR, and turned around unless `reverse`.
    """
    name = CMAPS.get(cmap) if isinstance(cmap, int) else cmap
    if name is None:
        raise Unsupported(WHAT, f"there is no colour map {cmap}", f"there are {sorted(CMAPS)}")
    gray = rescale_to_8bit(input_array, vmin, vmax, fullrange)
    colors: Array = ops["colormap"](gray, map=name, reversed=bool(reverse) != compat)
    if compat:
        colors = colors[:, :, ::-1].copy()
    if mask_where is not None:
        colors[numpy.asarray(mask_where, bool)] = mask_color
    return colors


def sequence_gray_to_color(
    sequence: ArrayLike,
    vmin: float | None = None,
    vmax: float | None = None,
    fullrange: bool = False,
    cmap: int | str = 2,
    reverse: bool = False,
    mask_where: ArrayLike | None = None,
    mask_color: int | Sequence[int] = 0,
    time_dimension: int = 2,
    *,
    compat: bool = False,
) -> NDArray[numpy.uint8]:
    """The same of each picture of an array, by one `vmin` and `vmax`; colours stand last."""
    array = numpy.asarray(sequence)
    if vmin is None or vmax is None:
        least, greatest = get_array_minmax(array, fullrange)
        vmin, vmax = (least if vmin is None else vmin), (greatest if vmax is None else vmax)
    masks: Any = None
    if mask_where is not None:
        masks = numpy.moveaxis(
            numpy.broadcast_to(numpy.asarray(mask_where), array.shape), time_dimension, 0
        )
    frames = [
        array_gray_to_color(
            frame, vmin, vmax, False, cmap, reverse, None if masks is None else masks[number],
            mask_color, compat=compat,
        )
        for number, frame in enumerate(numpy.moveaxis(array, time_dimension, 0))
    ]  # fmt: skip
    return numpy.stack(frames, axis=time_dimension)


def mpl_colorify_array(
    array: ArrayLike, cmap: str | Sequence[Any] | Callable[[Any], Any]
) -> NDArray[numpy.uint8]:
    """Numbers as colours, RGBA: whole ones are places among 256 colours, floats of 0 to 1 shares
    of all of them.

    cmap: a colour map of Matplotlib (or any function that gives RGBA of 0 to 1), colours between
        which it goes evenly, or a name of `rushes.ops.colormap`.
    """
    values = numpy.asarray(array)
    if callable(cmap):
        return numpy.asarray(numpy.asarray(cmap(values)) * 255).astype(numpy.uint8)
    if isinstance(cmap, str):
        table = ops["colormap"](numpy.arange(256, dtype=numpy.uint8)[None], map=cmap)[0]
    else:
        stops = numpy.array([rgb(color) for color in cmap], float)
        places = numpy.linspace(0, 1, len(stops))
        steps = numpy.linspace(0, 1, 256)
        table = numpy.stack([numpy.interp(steps, places, stops[:, i]) for i in range(3)], 1)
    if values.dtype.kind == "f":
        values = numpy.nan_to_num(values) * 256
    numbers = numpy.clip(values, 0, 255).astype(numpy.intp)
    full = numpy.full((256, 4), 255, numpy.uint8)
    full[:, :3] = table
    return numpy.asarray(full[numbers])

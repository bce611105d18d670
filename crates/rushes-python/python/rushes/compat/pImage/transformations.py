"""Functions of pictures: [H, W] grey or [H, W, 3] RGB, uint8 (0 to 255) unless said otherwise."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy
from numpy.typing import ArrayLike, NDArray

from ... import _stream
from ..._errors import Invalid
from ._frames import Array, Unsupported, saturated
from .colors import rgb

ops: dict[str, Callable[..., Array]] = _stream.OPERATIONS
WHAT = "changing a picture"

# OpenCV's numbers of its colour maps.
CMAPS = {
    0: "autumn", 1: "bone", 2: "jet", 3: "winter", 4: "rainbow", 5: "ocean", 6: "summer",
    7: "spring", 8: "cool", 9: "hsv", 10: "pink", 11: "hot", 13: "magma", 14: "inferno",
    15: "plasma", 16: "viridis", 17: "cividis", 18: "twilight", 20: "turbo",
}  # fmt: skip


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


def find_best_exposure(
    image: ArrayLike, method: str = "percentile", pmin: float = 2, pmax: float = 98
) -> tuple[Any, Any]:
    """The percentiles `pmin` and `pmax` of a picture, NaN left out."""
    if method != "percentile":
        raise Invalid(WHAT, f"method is {method!r}", 'it may be "percentile"')
    picture = numpy.asarray(image)
    return numpy.nanpercentile(picture, pmin), numpy.nanpercentile(picture, pmax)


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


def shares(color: str | Sequence[float]) -> list[float]:
    """A colour as red, green, blue and opacity of 0 to 1."""
    return [part / 255 for part in (*rgb(color), 255)]

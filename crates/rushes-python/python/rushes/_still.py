"""`imread` and `imwrite`: stills as NumPy arrays."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from . import _memory, _rushes
from ._errors import Invalid
from ._source import Media, Writable, origin_of, place_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

READING, WRITING = "reading the picture", "writing the picture"


def imread(
    path: Media, *, upright: bool = True, fit_px: int | None = None, allow: Iterable[str] = ()
) -> NDArray[Any]:
    """Reads a still as a NumPy array: [H, W] for grey, else [H, W, 3] RGB or [H, W, 4] RGBA.

    path: the file: JPEG, PNG, TIFF, WebP, HEIC, AVIF, JPEG XL, OpenEXR, Radiance, BMP, GIF, TGA,
        QOI, PNM, ICO, or camera RAW, of which it is the largest JPEG that the camera left inside.
        Or bytes, an object with `read` and `seek`, or an address, as `rushes.open` takes them.
    upright: turn and mirror it as its EXIF orientation says. HEIC, AVIF and JPEG XL always are.
    fit_px: the most that the longer side may have in pixels, at least 1: a larger picture is made
        smaller by the mean of what each new pixel covers, in the aspect that it has. Of a JPEG not
        all is decoded then, so that thumbnails come fast. None for the stored size.
    allow: schemes of addresses that may be read: "http", "https".

    Numbers are uint8 (0 to 255), uint16 (0 to 65535) or float32 (0 to 1, and beyond it), whichever
    hold what is stored. Colours are sRGB: a profile in the file is applied. But PQ and HLG keep
    their curve, and floats (OpenEXR, Radiance, TIFF) come as they are stored, which mostly is
    linear light. Opacity is not multiplied in. The array is C-contiguous and owned by nobody else.

    Raises `NotFound` (a FileNotFoundError) where there is no such file, `Unsupported` for what is
    no still that is read here, `CorruptMedia` for one that is broken, and `NotEnoughMemory` for
    one whose pixels are over `rushes.memory_budget_bytes`, before they are decoded.
    """
    if fit_px is not None:
        fit_px = within(fit_px, "fit_px", 1, (1 << 32) - 1, READING)
    origin, place = origin_of(path, allow, READING)
    still = _rushes.Still(origin)
    stated_bytes, height, width = still.stated
    _memory.check_bytes(stated_bytes, f"its {height}x{width} pixels take", READING, path=place)
    array = as_array(still.decode(upright, fit_px))
    takes = f"its {array.shape[0]}x{array.shape[1]} pixels take"
    _memory.check_bytes(array.nbytes, takes, READING, path=place)
    return array


def as_array(picture: _rushes.Picture) -> NDArray[Any]:
    """A frame of the core as an array, which takes over its memory."""
    import numpy

    height, width, channels = picture.shape
    shape = picture.shape if channels > 1 else (height, width)
    # To types, Python 3.11 knows nothing that has a buffer.
    memory: Any = picture
    return numpy.ndarray(shape, picture.dtype, buffer=memory)


def imwrite(
    path: str | bytes | os.PathLike[str] | os.PathLike[bytes] | Writable,
    array: ArrayLike,
    *,
    format: str | None = None,
    quality: int | None = None,
    overwrite: bool = True,
    tags_from: str | bytes | os.PathLike[str] | os.PathLike[bytes] | None = None,
) -> None:
    """Writes a NumPy array as a still, in the format that the file's extension names.

    path: the file: .jpg, .png, .tif, .webp, .avif, .dpx, .exr, .hdr, .bmp, .tga, .qoi or .ppm. Or
        an object with `write`, such as `io.BytesIO`, which is given all bytes at once.
    array: [H, W] grey, [H, W, 3] RGB or [H, W, 4] RGBA, sRGB: uint8 (0 to 255), uint16 (0 to
        65535), float32 or float64 (0 to 1; written as float32).
    format: what an object is given, by its extension: "png". A path says that itself.
    quality: 1 to 100, for JPEG (92 when None), WebP (lossless when None) and AVIF (90 when None).
    overwrite: replace a file that has this name; if False, that raises `Conflict` (a
        FileExistsError).
    tags_from: a still whose EXIF, XMP and IPTC go into the new file, where its format holds them
        (JPEG and TIFF all, PNG, WebP and AVIF not IPTC, the others none): made true for an
        array that is upright and sRGB, as `imread` gives it: orientation 1, the new size, no
        thumbnail. TIFF does not get the camera maker's own note.

    TIFF keeps all three kinds of numbers, PNG and DPX uint8 and uint16, AVIF uint8 and 10 bits of the
    others; what a format has no room for is rounded. OpenEXR and Radiance hold floats of linear
    light: floats are written as they are, whole numbers are made that. Grey floats become RGB, as
    grey does in WebP, QOI and BMP.

    The file is written beside its name and gets it when it is whole: whoever reads it sees what
    was there or all of the new one, after a crash too.

    Raises `Invalid` (a ValueError) for other shapes and numbers, and for opacity in a format
    without; `Unsupported` for an extension that is none of these.
    """
    picture = picture_of(array, WRITING)
    if quality is not None:
        quality = within(quality, "quality", 1, 100, WRITING)
    if not isinstance(path, (str, bytes, os.PathLike)):
        if not callable(getattr(path, "write", None)):
            raise TypeError(f"a path or an object with write is needed, not {type(path).__name__}")
        if format is None or tags_from is not None:
            why = "format is not given" if format is None else "tags_from is given"
            raise Invalid(
                WRITING, f"{why} for an object", 'write it like format="png", or to a path'
            )
        path.write(_rushes.encode_still(picture, format.lower().lstrip("."), quality))
        return
    if format is not None:
        raise Invalid(WRITING, "format is given for a path", "give it the extension of the format")
    place = place_of(path, WRITING)
    tagged = None if tags_from is None else place_of(tags_from, WRITING)
    _rushes.write_still(place, picture, quality, bool(overwrite), tagged)


def picture_of(array: ArrayLike, what: str) -> NDArray[Any]:
    """An array that is a picture: C-contiguous, of numbers that the core has."""
    import numpy

    picture = numpy.asarray(array)
    shape = "x".join(map(str, picture.shape)) or "one number"
    if picture.ndim not in (2, 3) or (picture.ndim == 3 and picture.shape[2] not in (3, 4)):
        remedy = "it may be [H, W], [H, W, 3] or [H, W, 4]"
        if picture.ndim == 3 and picture.shape[0] in (1, 3, 4):
            remedy += "; move its channels last: numpy.moveaxis(array, 0, -1)"
        raise Invalid(what, f"the array's shape is {shape}", remedy)
    if 0 in picture.shape:
        raise Invalid(what, f"the array's shape is {shape}: it has no pixels")
    if max(picture.shape) >= 2**31:
        raise Invalid(what, f"the array's shape is {shape}: that is too large")
    name = numbers_of(picture.dtype)
    if name is None:
        remedy = "make it uint8 (0 to 255), uint16 (0 to 65535) or float32 (0 to 1)"
        raise Invalid(what, f"the array's numbers are {picture.dtype}", remedy)
    return numpy.ascontiguousarray(picture, name)


def numbers_of(dtype: Any) -> str | None:
    """The numbers of the core that these are written as; None for none."""
    known = {"uint8": "uint8", "uint16": "uint16", "float32": "float32", "float64": "float32"}
    return known.get(dtype.name)


def within(value: Any, name: str, least: int, most: int, what: str) -> int:
    """A whole number between two others."""
    if not least <= operator.index(value) <= most:
        raise Invalid(what, f"{name} is {value!r}", f"it may be {least} to {most}")
    return operator.index(value)

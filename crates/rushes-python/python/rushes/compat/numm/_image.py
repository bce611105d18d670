"""Stills."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy

from ..._errors import Unsupported
from ..._still import imread, imwrite
from ._buffer import runtime_errors

if TYPE_CHECKING:
    from numpy.typing import NDArray


def image2np(path: str | os.PathLike[str]) -> NDArray[numpy.uint8]:
    """Reads a still as RGB, (h, w, 3) of uint8: grey is repeated, opacity left out.

    16 bits are rounded to 8. Floats, whose range only their maker knows, are refused with
    `Unsupported`: `rushes.imread` gives them as they are.
    """
    with runtime_errors():
        picture = imread(path)
        if picture.dtype.kind == "f":
            remedy = "read it with rushes.imread, and bring what it gives to 0 to 255"
            place = os.path.abspath(os.fsdecode(path))
            raise Unsupported("reading the picture", "its numbers are floats", remedy, place)
    if picture.dtype == numpy.uint16:
        # 65535 is 257 times 255.
        picture = ((picture.astype(numpy.uint32) + 128) // 257).astype(numpy.uint8)
    if picture.ndim == 2:
        picture = picture[:, :, None].repeat(3, axis=2)
    return numpy.ascontiguousarray(picture[:, :, :3])


def np2image(np: NDArray[Any], path: str | os.PathLike[str]) -> None:
    """Writes an array of uint8, (h, w, 3), as a still of the kind that the extension names.

    (h, w) is written as grey, (h, w, 4) with opacity. Other numbers are an AssertionError,
    and an extension that `rushes.imwrite` does not know raises `Unsupported`, a RuntimeError.
    """
    if np.dtype != numpy.uint8:
        raise AssertionError("nparr must be uint8")
    with runtime_errors():
        imwrite(path, np)

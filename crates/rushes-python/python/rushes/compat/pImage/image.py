"""Stills."""

from __future__ import annotations

import os

import numpy
from numpy.typing import ArrayLike

from ..._still import imwrite
from . import colors
from ._frames import saturated

__all__ = ["colors", "save_as_image"]


def save_as_image(image: ArrayLike, filepath: str | os.PathLike[str]) -> None:
    """Writes a picture in the format that the extension names, .jpg and .tif too.

    image: [H, W] grey, [H, W, 3] RGB or [H, W, 4] RGBA, of 0 to 255; uint16 is kept as it is.
    Folders that are not there are made.
    """
    picture = numpy.asarray(image)
    place = os.path.abspath(os.fspath(filepath))
    os.makedirs(os.path.dirname(place), exist_ok=True)
    imwrite(place, picture if picture.dtype == numpy.uint16 else saturated(picture))

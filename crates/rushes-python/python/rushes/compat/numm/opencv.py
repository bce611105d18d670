"""Pictures as OpenCV has them, with blue first, and back. OpenCV itself is not needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy

from ..._errors import Invalid

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["cv2np", "np2cv"]


def np2cv(np: ArrayLike) -> NDArray[Any]:
    """RGB, (h, w, 3), as BGR: what `cv2` takes. Grey, (h, w), stays; it is a copy too."""
    return swapped(np)


def cv2np(cv: ArrayLike) -> NDArray[Any]:
    """BGR, (h, w, 3), as `cv2` gives it, as RGB. Grey, (h, w), stays; it is a copy too."""
    return swapped(cv)


def swapped(picture: ArrayLike) -> NDArray[Any]:
    array = numpy.asarray(picture)
    if array.ndim == 3 and array.shape[2] == 3:
        return numpy.ascontiguousarray(array[:, :, ::-1])
    if array.ndim == 2:
        return array.copy()
    shape = "x".join(map(str, array.shape))
    raise Invalid("swapping red and blue", f"the array's shape is {shape}", "it may be [H, W, 3]")

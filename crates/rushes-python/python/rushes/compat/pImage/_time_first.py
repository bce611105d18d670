"""`pImage.video.mosaics` of easimage 3: mosaics whose arrays begin with time."""

from __future__ import annotations

from typing import Any

import numpy

from . import mosaics
from .mosaics import VariableFrameProvider, get_title_band

__all__ = ["VariableFrameProvider", "VignetteBuilder", "get_title_band"]


class VignetteBuilder(mosaics.VignetteBuilder):
    """`pImage.mosaics.VignetteBuilder`, of arrays [Y, X], [T, Y, X] and [T, Y, X, 3].

    buffer_mode: taken and without effect: two frames of each video are in memory.
    static_mode: taken and without effect.
    """

    def __init__(
        self,
        layout_style: str = "grid",
        *,
        buffer_mode: str = "ram",
        static_mode: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(layout_style, **options)

    def _source(self, given: Any, array_mode: str | None) -> Any:
        if not isinstance(given, numpy.ndarray) or given.ndim not in (3, 4) or array_mode:
            return super()._source(given, array_mode)
        return mosaics.stream_of(len(given), given.__getitem__, lambda: given)

"""`open`: a video to read or to write."""

from __future__ import annotations

import os
from typing import Any, Literal, SupportsFloat, overload

from ._errors import Invalid
from ._video import Video
from ._writer import VideoWriter


@overload
def open(
    path: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    mode: Literal["r"] = "r",
    *,
    format: Literal["rgb24", "bgr24", "rgba", "gray"] = "rgb24",
    size: tuple[int, int] | None = None,
    dtype: Any = None,
    upright: bool = True,
    threads: int = 0,
) -> Video: ...
@overload
def open(
    path: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    mode: Literal["w"],
    *,
    fps: SupportsFloat | str,
    codec: str | None = None,
    quality: int | None = None,
    overwrite: bool = True,
) -> VideoWriter: ...
def open(
    path: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    mode: Literal["r", "w"] = "r",
    **options: Any,
) -> Video | VideoWriter:
    """Opens a video file, to take frames out of it as NumPy arrays, or with "w" to write them.

    path: the file.
    mode: "r" gives a `Video`; "w" a `VideoWriter`, whose options (fps, codec, quality,
        overwrite) are told there.
    format: what the numbers of a pixel are: "rgb24", "bgr24" (as OpenCV has it), "rgba", or
        "gray" (luma). Colours are full range.
    size: (width, height) in pixels to scale frames to; 0 for the side that keeps the ratio.
    dtype: "uint8" (0 to 255), "uint16" (0 to 65535) or "float32" (0 to 1; what is darker than
        black or brighter than white lies beyond). None: uint16 for video of more than 8 bits,
        else uint8.
    upright: turn and mirror frames as the file says they are to be shown.
    threads: threads that decode; 0 for one a core, at most 4.

    The first opening of a file reads all of it once, to know every frame. For long videos that
    is kept in the home folder (`RUSHES_HOME`), and opening them again takes no time.

    Raises `NotFound` (a FileNotFoundError) where there is no such file, `Unsupported` for one
    without video, `CorruptMedia` for one of which not one frame can be decoded, and `Invalid` (a
    ValueError) for parameters that make no sense.
    """
    if mode == "w":
        return VideoWriter(path, **options)
    if mode != "r":
        raise Invalid("opening the video", f"mode is {mode!r}", 'it may be "r" or "w"')
    return Video(path, **options)

"""`open`: a video or pictures in a row to read, or a video to write."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Literal, SupportsFloat, overload

from ._errors import Invalid
from ._source import Media
from ._video import Video
from ._writer import VideoWriter


@overload
def open(
    path: Media,
    mode: Literal["r"] = "r",
    *,
    format: Literal["rgb24", "bgr24", "rgba", "gray"] = "rgb24",
    size: tuple[int, int] | None = None,
    dtype: Any = None,
    upright: bool = True,
    square_pixels: bool = False,
    threads: int = 0,
    fps: SupportsFloat | str | None = None,
    allow: Iterable[str] = (),
) -> Video: ...
@overload
def open(
    path: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    mode: Literal["w"],
    *,
    fps: SupportsFloat | str | None = None,
    codec: str | None = None,
    quality: int | None = None,
    plays: int = 0,
    start_number: int = 1,
    overwrite: bool = True,
) -> VideoWriter: ...
def open(
    path: Any,
    mode: Literal["r", "w"] = "r",
    **options: Any,
) -> Video | VideoWriter:
    """Opens a video, or pictures in a row, to take frames as NumPy arrays; with "w", to write them.

    path: a video; a still; an animated GIF, WebP, PNG or AVIF; a TIFF, each page a frame; a
        recording by StreamPix (Norpix `.seq`) or Hiris (`.seq` with its `.bin` files); or stills
        of one format: a folder of them, or a pattern such as "shot.%04d.exr", "shot.####.exr" or
        "shot*.png" in place of a name. Content decides what a file is.
        Instead of a path: what a file holds, as bytes, bytearray or memoryview, which is not
        copied and not to be changed meanwhile; an object with `read` and `seek`, of which all is
        read, such as `io.BytesIO`, a file that is open as "rb", or a member of a zip; or an
        address, "file:...", and "https://..." where `allow` has its scheme. Bytes are no path.
    mode: "r" gives a `Video`; "w" a `VideoWriter`, whose options (fps, codec, quality,
        plays, start_number, overwrite) are told there.
    format: what the numbers of a pixel are: "rgb24", "bgr24" (as OpenCV has it), "rgba", or
        "gray" (luma). Colours are full range.
    size: (width, height) in pixels to scale frames to; 0 for the side that keeps the ratio.
    dtype: "uint8" (0 to 255), "uint16" (0 to 65535) or "float32" (0 to 1; what is darker than
        black or brighter than white lies beyond). None: uint16 for video of more than 8 bits,
        else uint8; for pictures in a row what the first of them is stored in, linear light
        (OpenEXR, Radiance) as float32.
    upright: turn and mirror frames as the file says they are to be shown.
    square_pixels: where a stored pixel is not as wide as high (`Video.sample_aspect`), make frames
        wider or narrower, so that things have their shape. A size of both sides stays as it is.
    threads: threads that decode video; 0 for one a core, at most 4.
    fps: frames a second of pictures that have no times of their own; None for 25, as FFmpeg has
        it. For others it is refused.
    allow: schemes of addresses that may be read: "http", "https". The server must give ranges.
        Nothing that a file names, such as the parts of a playlist, is ever fetched.

    Stills are sorted by the numbers in their names; numbers that are missing make no frames, and
    `warnings` tells them. A still of another size than the first raises `Conflict`, unless a size
    is given, to which all are scaled.

    The first opening of a video reads all of it once, to know every frame. For long videos that
    is kept in the home folder (`RUSHES_HOME`), and opening them again takes no time.

    What the object's `read` raises comes out as it is. After a fork, what is read through an
    object or from an address raises `Unavailable` in the child, which must open it again.

    Raises `NotFound` (a FileNotFoundError) where there is no such file, `Denied` for an address
    that is not allowed, `Unsupported` for one without pictures, `CorruptMedia` for one of which not one frame can be decoded, and `Invalid` (a
    ValueError) for parameters that make no sense.
    """
    if mode == "w":
        return VideoWriter(path, **options)
    if mode != "r":
        raise Invalid("opening the video", f"mode is {mode!r}", 'it may be "r" or "w"')
    return Video(path, **options)

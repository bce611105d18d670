"""`VideoWriter` and `write`: NumPy arrays as the frames of a video, or as numbered stills."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, SupportsFloat

from . import _rushes
from ._errors import Invalid
from ._source import place_of
from ._still import picture_of, within
from ._video import rate_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

WHAT = "writing the video"
# What a rate's numerator and denominator may be at most.
MOST = 2**31 - 1
# What the first number of stills may be at most.
MOST_NUMBER = 10**18


class VideoWriter:
    """A video that is being written, frame by frame; memory stays flat.

        with rushes.open("out.mp4", "w", fps=25) as writer:
            for frame in frames:
                writer.write(frame)

    path: the file: .mp4, .mov, .mkv, .webm, .avi, .mxf or .y4m; .gif, .apng, .webp or .avif, which
        are animations; .tif, with a page for each frame; or a pattern such as "shot.%04d.png" or
        "shot.####.exr": a still for each frame, in a format that `imwrite` writes.
    fps: frames a second: a number, a Fraction, or text such as "30000/1001". Stills and pages need
        none.
    codec: "h264", "hevc", "av1", "vp9", "ffv1", "prores", "dnxhr", "mjpeg", "mpeg4" or "mpeg2",
        where the kind of file holds it; None for its usual one, H.264 in .mp4, .mov and .mkv.
    quality: 0 to 100; None for what looks like the original. "ffv1", which is lossless, "prores"
        and "dnxhr" have only one.
    plays: how often an animation (.gif, .apng, .webp) is shown; 0 for without end.
    start_number: the number of the first of numbered stills.
    overwrite: replace files that have these names; if False, that raises `Conflict` (a
        FileExistsError), for stills if any fits the pattern from that number on.

    The file gets its name when the writer is closed, stills get theirs all together: until then,
    and where the `with` block ends with an exception, there is what was there before. Any number of threads may write, one after
    the other; others run while frames are encoded. A child after a fork may not.

    Raises `Invalid` (a ValueError) for parameters that make no sense, and `Unsupported` for an
    extension or a codec that cannot be written here.
    """

    __slots__ = ("__weakref__", "_path", "_writer")

    def __init__(
        self,
        path: str | bytes | os.PathLike[str] | os.PathLike[bytes],
        *,
        fps: SupportsFloat | str | None = None,
        codec: str | None = None,
        quality: int | None = None,
        plays: int = 0,
        start_number: int = 1,
        overwrite: bool = True,
    ) -> None:
        terms = None
        if fps is not None:
            rate = rate_of(fps, WHAT)
            if max(rate.numerator, rate.denominator) > MOST:
                rate = rate.limit_denominator(1_000_000)
            if max(rate.numerator, rate.denominator) > MOST or not rate:
                raise Invalid(WHAT, f"fps is {fps!r}", "it may be 1/1000 to 10000")
            terms = (rate.numerator, rate.denominator)
        shown = within(plays, "plays", 0, 65_535, WHAT)
        start = within(start_number, "start_number", 0, MOST_NUMBER, WHAT)
        if quality is not None:
            quality = within(quality, "quality", 0, 100, WHAT)
        self._path = place_of(path, WHAT)
        self._writer = _rushes.FrameWriter(
            self._path, terms, codec, quality, shown, start, bool(overwrite)
        )
        # What is never closed leaves nothing behind when the program ends.
        weakref.finalize(self, self._writer.abandon)

    def write(self, frame: ArrayLike) -> None:
        """Writes the next frame: [H, W] grey, [H, W, 3] RGB or [H, W, 4] RGBA.

        uint8 (0 to 255), uint16 (0 to 65535), float32 or float64 (0 to 1). Size, channels and
        numbers are those of the first frame. More than 8 bits are written as 10 where the codec
        has them, as 16 in "ffv1"; NaN counts as 0 where whole numbers are written. Raises `Invalid` (a ValueError) for another kind of array, and
        once the writer is closed; then the frames before are still there to be closed.
        """
        self._writer.write(picture_of(frame, WHAT))

    def close(self) -> None:
        """Writes what is left and gives the file its name; after it, `write` raises `Invalid`.

        Raises `Invalid` (a ValueError) where there was not one frame; there is no file then.
        """
        self._writer.finish()

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, kind: object, *exception: object) -> None:
        try:
            if kind is None:
                self.close()
        finally:
            # Nothing is left to give up once it is closed.
            self._writer.abandon()

    @property
    def path(self) -> str:
        """The file, or the pattern of stills, absolute."""
        return self._path

    @property
    def frames(self) -> int:
        """How many frames were written."""
        return self._writer.frames

    def __repr__(self) -> str:
        frames = f"{self.frames} frames" if self.frames != 1 else "1 frame"
        return f"<rushes.VideoWriter {self._path!r}: {frames}>"


def write(
    path: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    frames: NDArray[Any] | Iterable[ArrayLike],
    *,
    fps: SupportsFloat | str | None = None,
    codec: str | None = None,
    quality: int | None = None,
    plays: int = 0,
    start_number: int = 1,
    overwrite: bool = True,
) -> int:
    """Writes frames as a video or as numbered stills, and gives how many there were.

    path: the file, or a pattern such as "shot.%04d.png": see `VideoWriter`.
    frames: one array [T, H, W] (grey) or [T, H, W, C], or anything that gives arrays one after
        another, such as a generator or a `Video`; then memory stays flat. `VideoWriter.write`
        tells which numbers they may have.
    fps, codec, quality, plays, start_number, overwrite: as for `VideoWriter`.

    Files get their names when all is whole. Ctrl-C ends it between two frames, and leaves
    nothing; so does an exception in what gives the frames. Raises what `VideoWriter` raises.
    """
    import numpy

    if isinstance(frames, numpy.ndarray):
        shape = "x".join(map(str, frames.shape))
        if frames.ndim not in (3, 4):
            why = f"the array's shape is {shape}"
            raise Invalid(WHAT, why, "it may be [T, H, W] or [T, H, W, C]")
        if frames.ndim == 3 and frames.shape[2] in (3, 4):
            why = f"the array's shape is {shape}, which is one picture"
            raise Invalid(WHAT, why, "to write it as a video of one frame, pass array[None]")
    each = iter(frames)
    with VideoWriter(
        path,
        fps=fps,
        codec=codec,
        quality=quality,
        plays=plays,
        start_number=start_number,
        overwrite=overwrite,
    ) as writer:
        for frame in each:
            writer.write(frame)
    return writer.frames

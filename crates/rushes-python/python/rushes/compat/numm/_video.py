"""Video files."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, SupportsFloat

import numpy

from ... import _memory
from ..._errors import Invalid
from ..._video import Video, rate_of
from ..._writer import WHAT as WRITING
from ..._writer import write
from ._buffer import NummBuffer, runtime_errors, span_of, stamped

if TYPE_CHECKING:
    from numpy.typing import NDArray

READING = "reading the video"
HEIGHT_PX, FPS = 96, 30
# Sides are multiples of it.
STEP_PX = 4


def video2np(
    path: str | os.PathLike[str],
    width: int | None = None,
    height: int | None = HEIGHT_PX,
    fps: SupportsFloat | str = FPS,
    start: int = 0,
    n_frames: int = -1,
) -> NDArray[numpy.uint8]:
    """Reads a video's frames: (T, h, w, 3), RGB of uint8, 30 a second and 96 pixels high.

    width, height: what frames are scaled to, in pixels, rounded down to multiples of 4. None for
        what keeps the ratio of the picture as it is shown; both None for the size that it has.
    fps: frames a second: frame k is the one that is shown k/fps seconds after the start.
    start: how many of these are left out at the start.
    n_frames: how many are taken at most; -1 for all.

    Past the end there is (0, h, w, 3). Raises `NotFound`, `Unsupported` or `CorruptMedia`,
    RuntimeErrors all, and `rushes.NotEnoughMemory` for more than `rushes.memory_budget_bytes`.
    """
    with runtime_errors(), sized(path, width, height) as video:
        times = span(video, fps, start, n_frames)
        _memory.check(len(times), math.prod(video.shape[1:]), video.shape[1:])
        return video[[video.index_at(time) for time in times]]


def video_frames(
    path: str | os.PathLike[str],
    width: int | None = None,
    height: int | None = HEIGHT_PX,
    fps: SupportsFloat | str = FPS,
    start: int = 0,
    n_frames: int = -1,
) -> Iterator[NummBuffer]:
    """The same frames one after another, each with its time; memory stays flat."""
    with runtime_errors():
        video = sized(path, width, height)
    return frames_of(video, span(video, fps, start, n_frames))


def np2video(
    np: NDArray[Any], path: str | os.PathLike[str], fps: SupportsFloat | str = FPS
) -> None:
    """Writes frames of uint8, (T, h, w, 3), as a video of the kind that the extension names.

    (T, h, w) is written as grey. Raises `rushes.Invalid` (a ValueError) for other arrays, and
    `Unsupported`, a RuntimeError, for an extension that `rushes.write` does not know.
    """
    if np.dtype != numpy.uint8:
        raise Invalid(WRITING, f"the array's numbers are {np.dtype}", "make it uint8 (0 to 255)")
    with runtime_errors():
        write(path, np, fps=fps)


class Span:
    """The times of frames, so many a second; any number of them takes no room."""

    def __init__(self, rate: Fraction, start: int, stop: int) -> None:
        self.rate, self.numbers = rate, range(start, max(start, stop))

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[Fraction]:
        return (number / self.rate for number in self.numbers)


def span(video: Video, fps: SupportsFloat | str, start: int, n_frames: int) -> Span:
    rate = rate_of(fps, READING)
    first, end = span_of(start, n_frames, READING)
    # There is a frame at 0 where none lasts.
    count = max(math.ceil(video.duration * rate), 1)
    return Span(rate, first, count if end is None else min(end, count))


def frames_of(video: Video, times: Span) -> Iterator[NummBuffer]:
    with runtime_errors(), video:
        for time, frame in zip(times, video._each(map(video.index_at, times)), strict=True):
            yield stamped(frame, time)


def sized(path: str | os.PathLike[str], width: int | None, height: int | None) -> Video:
    """The file, its frames scaled."""
    video = Video(path, dtype="uint8")
    if width is None and height is None:
        return video
    return video._like(size=sides(video, width, height))


def sides(video: Video, width: int | None, height: int | None) -> tuple[int, int]:
    """Width and height in pixels, where at least one is given."""
    for name, side in (("width", width), ("height", height)):
        if side is not None and not STEP_PX <= operator.index(side) < 2**31:
            raise Invalid(READING, f"{name} is {side!r}", f"it may be {STEP_PX} or more, or None")
    stored_height, stored_width = video.shape[1:3]
    aspect = video.sample_aspect
    if video.rotation % 180:
        aspect = 1 / aspect
    ratio = Fraction(stored_width, stored_height) * aspect
    if width is None:
        width = int((height or 0) * ratio)
    if height is None:
        height = int(width / ratio)
    return down(width), down(height)


def down(side: int) -> int:
    return max(side // STEP_PX * STEP_PX, STEP_PX)

"""Where frames go: files, functions, captures; and the figure that F9 shows."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy

from ..._still import imwrite
from ..._writer import VideoWriter

if TYPE_CHECKING:
    from fractions import Fraction

    from numpy.typing import NDArray

Sink = str | os.PathLike[str] | Callable[..., object]

# Digits of 3x5 points, a row three bits.
DIGITS = (
    "111101101101111", "010110010010111", "111001111100111", "111001111001111",
    "101101111001001", "111100111001111", "111100111101111", "111001001010010",
    "111101111101111", "111101111001111",
)  # fmt: skip
POINT_PX = 3


class Recording:
    """Writes frames to a file, which is whole once this is closed."""

    def __init__(self, path: str | os.PathLike[str], fps: Fraction) -> None:
        self._writer = VideoWriter(path, fps=fps)

    def write(self, frame: NDArray[Any]) -> None:
        """Writes the next frame."""
        self._writer.write(frame)

    def close(self) -> None:
        """Gives the file its name, where there was a frame."""
        if self._writer.frames:
            self._writer.close()


class Capture:
    """Writes frames as PNG files into the working folder, under the next free number."""

    def __init__(self) -> None:
        names = os.listdir()
        number = 0
        while any(name.startswith(f"numm-capture-{number:03}-") for name in names):
            number += 1
        self._number, self._frames = number, 0

    def write(self, frame: NDArray[Any]) -> None:
        """Writes the next frame."""
        imwrite(Path(f"numm-capture-{self._number:03}-{self._frames:06}.png"), frame)
        self._frames += 1


class Meter:
    """How many frames a second there were lately."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=31)

    def count(self) -> None:
        """Counts a frame."""
        self._times.append(time.monotonic())

    def fps(self) -> float:
        """Frames a second; 0 before the second one."""
        if len(self._times) < 2:
            return 0.0
        return (len(self._times) - 1) / max(self._times[-1] - self._times[0], 1e-9)

    def drawn(self, frame: NDArray[numpy.uint8]) -> NDArray[numpy.uint8]:
        """A copy of the frame with the figure in its corner, white on black."""
        drawn = frame.copy()
        x = POINT_PX
        for digit in str(round(self.fps())):
            points = numpy.array(list(DIGITS[int(digit)]), int).reshape(5, 3) * 255
            glyph = numpy.pad(points, 1).repeat(POINT_PX, axis=0).repeat(POINT_PX, axis=1)
            place = drawn[POINT_PX : POINT_PX + len(glyph), x : x + glyph.shape[1]]
            place[:] = glyph[: place.shape[0], : place.shape[1], None]
            x += 4 * POINT_PX
        return drawn

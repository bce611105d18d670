"""What the modules share: operations, arrays as 8 bits, and a bar that tells how far it is."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy
from numpy.typing import NDArray

from ..._errors import Unsupported as _Unsupported
from ..._stream import OPERATIONS

Array = NDArray[Any]

WHAT = "changing a picture"
# What the core does to a frame, by name.
ops: dict[str, Callable[..., Array]] = OPERATIONS

# With fewer frames there is no bar.
MOST_WITHOUT_BAR = 100
BAR_COLUMNS = 40
TURN_SECS = 0.1


class Unsupported(_Unsupported, NotImplementedError):
    """It cannot be read, written or done here: the NotImplementedError that easimage raises."""


def saturated(array: Array) -> NDArray[numpy.uint8]:
    """As uint8: what is beyond 0 to 255 becomes the nearer of them, and a fraction is dropped."""
    if array.dtype == numpy.uint8:
        return array
    if array.dtype == bool:
        return array.astype(numpy.uint8) * numpy.uint8(255)
    limited = numpy.clip(numpy.nan_to_num(array, posinf=255, neginf=0), 0, 255)
    return numpy.asarray(limited, numpy.uint8)


def with_bar(frames: Iterable[Array], total: int) -> Iterator[Array]:
    """The same frames; on a terminal, a bar on stderr tells of more than 100 how far it is."""
    if total <= MOST_WITHOUT_BAR or not sys.stderr.isatty():
        yield from frames
        return
    shown = 0.0
    for done, frame in enumerate(frames, 1):
        yield frame
        now = time.monotonic()
        if now - shown >= TURN_SECS or done == total:
            shown = now
            full = "#" * (BAR_COLUMNS * done // total)
            sys.stderr.write(f"\r[{full:<{BAR_COLUMNS}}] {done}/{total}")
            sys.stderr.flush()
    sys.stderr.write("\n")

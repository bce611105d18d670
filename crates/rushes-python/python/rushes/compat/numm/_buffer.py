"""What the functions share: arrays with a time, and failures as numm raises them."""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy

from ..._errors import CorruptMedia as _CorruptMedia
from ..._errors import Invalid
from ..._errors import NotFound as _NotFound
from ..._errors import Unsupported as _Unsupported

if TYPE_CHECKING:
    from numpy.typing import NDArray

NS = 1_000_000_000


class NummBuffer(numpy.ndarray[Any, numpy.dtype[Any]]):
    """An array that knows its time: `timestamp`, in nanoseconds from the start."""

    timestamp: int

    def __array_finalize__(self, source: object) -> None:
        self.timestamp = getattr(source, "timestamp", 0)


def stamped(array: NDArray[Any], time_secs: Fraction) -> NummBuffer:
    """The same numbers with a time."""
    buffer = array.view(NummBuffer)
    buffer.timestamp = int(time_secs * NS)
    return buffer


class NotFound(_NotFound, RuntimeError):
    """There is no such file: a FileNotFoundError, and the RuntimeError that numm raises."""


class Unsupported(_Unsupported, RuntimeError):
    """The file is none that can be read; a RuntimeError too."""


class CorruptMedia(_CorruptMedia, RuntimeError):
    """The file is damaged; a RuntimeError too."""


@contextlib.contextmanager
def runtime_errors() -> Iterator[None]:
    """Makes what fails with a file a RuntimeError too."""
    try:
        yield
    except (_NotFound, _Unsupported, _CorruptMedia) as error:
        kinds = {"not_found": NotFound, "unsupported": Unsupported, "corrupt": CorruptMedia}
        kind = kinds[error.kind]
        raise kind(error.what, error.why, error.remedy, error.path) from None


def span_of(start: int, n_frames: int, what: str) -> tuple[int, int | None]:
    """The first to take and the one that is taken no more; None for all that there are."""
    start, count = operator.index(start), operator.index(n_frames)
    if start < 0:
        raise Invalid(what, f"start is {start}", "it is counted from the start of the file")
    return start, None if count < 0 else start + count

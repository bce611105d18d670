"""`OnDemandArray`: frames that are made when they are taken, as an array of all of them."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy
from numpy.typing import DTypeLike

from ... import _memory
from ..._errors import Invalid
from ._frames import Array


class Generator(Protocol):
    """What makes the frames."""

    def get_frame(self, i: int, /) -> Array:
        """Frame number i."""


class OnDemandArray:
    """An array, time first, of which nothing is in memory: `array[i]` asks for frame i.

    shape: (T, ...), of which the rest is that of a frame.
    generator_parent: an object whose `get_frame(i)` gives frame i.

    It is indexed by numbers, slices, `...`, and lists of numbers in time. What would take more
    memory than `rushes.memory_budget_bytes` raises `NotEnoughMemory` before a frame is made.
    """

    def __init__(
        self, shape: Sequence[int], dtype: DTypeLike = float, *, generator_parent: Generator
    ) -> None:
        self.shape = tuple(operator.index(side) for side in shape)
        if not self.shape or min(self.shape) < 0:
            raise Invalid("making an array", f"its shape is {shape!r}", "time stands first")
        self.dtype: numpy.dtype[Any] = numpy.dtype(dtype)
        self._parent = generator_parent

    @property
    def ndim(self) -> int:
        """How many dimensions there are, with time."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Array]:
        return (self._frame(i) for i in range(len(self)))

    def __getitem__(self, places: Any) -> Any:
        places = places if isinstance(places, tuple) else (places,)
        if places and places[0] is Ellipsis:
            # It stands for at least time where there are fewer than dimensions.
            rest = places[1:]
            gap = self.ndim - len(rest)
            places = (*[slice(None)] * gap, *rest)
        time, *inner = places or (slice(None),)
        if not isinstance(time, (slice, list, numpy.ndarray)):
            return self._frame(operator.index(time))[tuple(inner)]
        numbers = range(len(self))[time] if isinstance(time, slice) else list(time)
        # Of no memory: only the shape of what is taken from a frame.
        one = numpy.broadcast_to(numpy.zeros((), self.dtype), self.shape[1:])[tuple(inner)].shape
        _memory.check(len(numbers), math.prod(one) * self.dtype.itemsize, one)
        taken = numpy.empty((len(numbers), *one), self.dtype)
        for place, number in enumerate(numbers):
            taken[place] = self._frame(operator.index(number))[tuple(inner)]
        return taken

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Array:
        if copy is False:
            raise ValueError("there is no array of the frames without a copy")
        return numpy.asarray(self[:], dtype)

    def _frame(self, i: int) -> Array:
        count = len(self)
        if not -count <= i < count:
            raise IndexError(f"there is no frame {i}: there are {count}")
        frame = numpy.asarray(self._parent.get_frame(i % count), self.dtype)
        if frame.shape != self.shape[1:]:
            why = f"frame {i} is {frame.shape}, not {self.shape[1:]}"
            raise Invalid("taking a frame", why, "the shape of an array holds for all its frames")
        return frame

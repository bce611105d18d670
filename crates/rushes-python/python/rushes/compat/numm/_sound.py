"""Sound files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy

from ... import _memory, _rushes
from ..._errors import Invalid
from ..._sound import MOST_RATE_HZ, READING, WRITING, awrite
from ..._still import within
from ..._video import is_main
from ._buffer import NummBuffer, runtime_errors, span_of, stamped

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE_HZ, CHANNELS = 44100, 2
# Samples that are read at once.
CHUNK = 4096
SAMPLE_BYTES = 2 * CHANNELS


def sound2np(
    filepath: str | os.PathLike[str],
    start: int = 0,
    n_frames: int = -1,
    sample_rate: int = RATE_HZ,
) -> NDArray[numpy.int16]:
    """Reads a sound, or a video's: (n, 2) of int16, whatever the file has.

    start: how many samples are left out at the start.
    n_frames: how many are taken at most; -1 for all.
    sample_rate: samples a second, 1000 to 1536000; both are counted in these.

    One channel is repeated, more than two are mixed as ITU-R BS.775 does. Past the end there is
    (0, 2). Raises `NotFound`, `Unsupported` or `CorruptMedia`, RuntimeErrors all, and
    `rushes.NotEnoughMemory` for more than `rushes.memory_budget_bytes`.
    """
    first, end = span_of(start, n_frames, READING)
    sound = opened(filepath, sample_rate)
    wanted = max(sound.stated_samples - first, 0)
    if end is not None:
        wanted = min(wanted, end - first)
    check(wanted, filepath)
    samples = numpy.empty((wanted + CHUNK, CHANNELS), numpy.int16)
    filled = 0
    for _, block in blocks(sound, first, end):
        if filled + len(block) > len(samples):
            longer = len(samples) + len(samples) // 4 + CHUNK
            check(filled + len(block), filepath)
            # Nothing else sees this array.
            samples.resize((longer, CHANNELS), refcheck=False)
        samples[filled : filled + len(block)] = block
        filled += len(block)
    samples.resize((filled, CHANNELS), refcheck=False)
    return samples


def sound_chunks(
    path: str | os.PathLike[str],
    start: int = 0,
    n_frames: int = -1,
    sample_rate: int = RATE_HZ,
) -> Iterator[NummBuffer]:
    """The same sound in pieces, each (n, 2) of int16 with its time; memory stays flat."""
    first, end = span_of(start, n_frames, READING)
    sound = opened(path, sample_rate)
    rate = sound.sample_rate_hz
    return (stamped(block, Fraction(place, rate)) for place, block in blocks(sound, first, end))


def np2sound(np: NDArray[Any], filepath: str | os.PathLike[str]) -> None:
    """Writes int16 at 44100 Hz as a sound of the kind that the extension names, in stereo.

    np: (n, 2), or (n,) or (n, 1), which are repeated.

    A name without an extension is that of a WAV, as all of numm's were. Raises `rushes.Invalid`
    (a ValueError) for other arrays, and `Unsupported`, a RuntimeError, for an extension that
    `rushes.awrite` does not know.
    """
    shape = "x".join(map(str, np.shape))
    if np.dtype != numpy.int16:
        raise Invalid(WRITING, f"the array's numbers are {np.dtype}", "make it int16")
    if np.ndim == 1:
        np = np[:, None]
    if np.ndim != 2 or np.shape[1] not in (1, CHANNELS):
        raise Invalid(WRITING, f"the array's shape is {shape}", "it may be [N, 2] or [N]")
    samples = np.repeat(CHANNELS // np.shape[1], axis=1)
    with runtime_errors():
        place = os.path.abspath(os.fsdecode(filepath))
        if os.path.splitext(place)[1]:
            awrite(place, samples, RATE_HZ)
            return
        # It gets its name when it is whole, as others do.
        whole = f"{place}.{os.getpid()}.wav"
        awrite(whole, samples, RATE_HZ)
        os.replace(whole, place)


def opened(path: str | os.PathLike[str], sample_rate: int) -> _rushes.Sound:
    """A file's sound, of one channel or two."""
    rate = within(sample_rate, "sample_rate", 1000, MOST_RATE_HZ, READING)
    place = _rushes.Origin.path(os.path.abspath(os.fsdecode(path)))
    with runtime_errors():
        sound = _rushes.Sound(place, rate, None, is_main())
        # One channel is repeated here: mixing it to two would make it softer.
        if sound.channels not in (1, CHANNELS):
            sound = _rushes.Sound(place, rate, CHANNELS, is_main())
    return sound


def blocks(
    sound: _rushes.Sound, start: int, end: int | None
) -> Iterator[tuple[int, NDArray[numpy.int16]]]:
    """Pieces of it, each with the number of its first sample; each an array of its own."""
    floats = numpy.empty((CHUNK, sound.channels), numpy.float32)
    place, count = 0, CHUNK
    while count == CHUNK and (end is None or place < end):
        with runtime_errors():
            count = sound.read_into(floats.reshape(-1), is_main()) // sound.channels
        stop = count if end is None else min(count, end - place)
        chosen = floats[max(start - place, 0) : stop]
        if len(chosen):
            whole = numpy.rint(chosen * 32768).clip(-32768, 32767).astype(numpy.int16)
            yield place + stop - len(chosen), whole.repeat(CHANNELS // sound.channels, axis=1)
        place += count


def check(samples: int, path: str | os.PathLike[str]) -> None:
    """Refuses samples that take more than the budget."""
    takes = f"{samples} samples of {CHANNELS} channels take"
    remedy = "take fewer with n_frames, or go through them with sound_chunks"
    place = os.path.abspath(os.fsdecode(path))
    _memory.check_bytes(samples * SAMPLE_BYTES, takes, READING, remedy, place)

"""`aread` and `awrite`: sound as NumPy arrays."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from . import _memory, _rushes
from ._errors import Invalid
from ._source import Media, origin_of, place_of
from ._still import within
from ._video import is_main

if TYPE_CHECKING:
    import numpy
    from numpy.typing import ArrayLike, NDArray

READING, WRITING = "reading the sound", "writing the sound"
# Samples that are converted and encoded at once: Ctrl-C is looked for between them.
BLOCK = 1 << 15
# Numbers that there is room for at first, at least.
LEAST = 1 << 16
MOST_RATE_HZ, MOST_CHANNELS = 1_536_000, 64


def aread(
    path: Media,
    *,
    rate: int | None = None,
    channels: int | None = None,
    allow: Iterable[str] = (),
) -> tuple[NDArray[numpy.float32], int]:
    """Reads all of a sound: its samples as a NumPy array [N, C], and how many there are a second.

    path: the file; of a video its sound, the first one. Or bytes, an object with `read` and
        `seek`, or an address, as `rushes.open` takes them.
    rate: samples a second of each channel in Hz, 1000 to 1536000; None for the stored rate.
    channels: 1 to 64; None for those stored. 1 is the mean of all, weighted as ITU-R BS.775 does
        where there are more than two.
    allow: schemes of addresses that may be read: "http", "https".

    Samples are float32, -1 to 1 (beyond it where the file has that); there is an axis of channels
    for one channel too. What the encoder added at start and end is left out where the file says
    so. The array is C-contiguous and owned by nobody else. Other threads run meanwhile, and
    Ctrl-C stops it.

    Raises `NotFound` (a FileNotFoundError) where there is no such file, `Unsupported` for one
    without sound, `Invalid` (a ValueError) for a rate or channels that cannot be, and
    `NotEnoughMemory` for what is over `rushes.memory_budget_bytes`: by the length that the file
    states before it is read, else as soon as it is.
    """
    import numpy

    if rate is not None:
        rate = within(rate, "rate", 1000, MOST_RATE_HZ, READING)
    if channels is not None:
        channels = within(channels, "channels", 1, MOST_CHANNELS, READING)
    origin, place = origin_of(path, allow, READING)
    sound = _rushes.Sound(origin, rate, channels, is_main())
    width = sound.channels
    # A moment more than is stated: then it mostly fits, and is not moved to a larger place.
    wanted = sound.stated_samples
    check(wanted, width, place)
    samples: NDArray[numpy.float32] = numpy.empty(max(wanted + 4096, LEAST) * width, numpy.float32)
    filled = 0
    while True:
        filled += sound.read_into(samples[filled:], is_main())
        if filled < len(samples):
            break
        check(filled // width + 1, width, place)
        # In place where the system can; nothing else sees this array.
        samples.resize((filled // width + filled // width // 4) * width, refcheck=False)
    check(filled // width, width, place)
    samples.resize(filled, refcheck=False)
    return samples.reshape(-1, width), sound.sample_rate_hz


def awrite(
    path: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    samples: ArrayLike,
    rate: int,
    *,
    codec: str | None = None,
    bit_rate: int | None = None,
    overwrite: bool = True,
) -> None:
    """Writes samples as a sound file, of the kind that its extension names.

    path: the file: .wav, .aiff, .flac, .mp3, .m4a, .aac, .opus, .ogg or .mka.
    samples: [N] for one channel or [N, C], at most 64: float32 or float64, -1 to 1, or int16,
        which is divided by 32768.
    rate: samples a second of each channel in Hz, 1000 to 1536000; in .opus 8000, 12000, 16000,
        24000 or 48000, and what an error names where a codec has not the one given.
    codec: by its name, such as "pcm_f32le" or "pcm_s24le" in .wav and "alac" in .m4a; None for
        the usual one, which is "pcm_s16le" in .wav.
    bit_rate: bits a second of codecs with loss; None for 96000 a channel.
    overwrite: replace a file that has this name; if False, that raises `Conflict` (a
        FileExistsError).

    What is beyond -1 to 1 is clipped where the codec has whole numbers, and rounded without
    dither; FLAC and ALAC take 24 bits. The file gets its name when it is whole, as with
    `imwrite`. Other threads run meanwhile, and after Ctrl-C nothing is left.

    Raises `Invalid` (a ValueError) for other shapes and numbers, and for what the codec cannot
    hold; `Unsupported` for an extension that is none of these.
    """
    import numpy

    array = numpy.asarray(samples)
    shape = "x".join(map(str, array.shape)) or "one number"
    if array.ndim not in (1, 2):
        raise Invalid(WRITING, f"the array's shape is {shape}", "it may be [N] or [N, C]")
    channels = 1 if array.ndim == 1 else array.shape[1]
    if not 1 <= channels <= MOST_CHANNELS:
        why = f"the array's shape is {shape}: that would be {channels} channels"
        raise Invalid(WRITING, why, "it may be [N] or [N, C]; its transpose is array.T")
    if not len(array):
        raise Invalid(WRITING, f"the array's shape is {shape}: there is not one sample to write")
    if array.dtype.name not in ("float32", "float64", "int16"):
        remedy = "make it float32 (-1 to 1) or int16"
        raise Invalid(WRITING, f"the array's numbers are {array.dtype}", remedy)
    rate = within(rate, "rate", 1000, MOST_RATE_HZ, WRITING)
    if bit_rate is not None:
        bit_rate = within(bit_rate, "bit_rate", 1, 2**31 - 1, WRITING)
    place = place_of(path, WRITING)
    writer = _rushes.SoundWriter(place, rate, channels, codec, bit_rate, bool(overwrite))
    try:
        for start in range(0, len(array), BLOCK):
            writer.write(floats(array[start : start + BLOCK]))
        writer.finish()
    finally:
        # Nothing is left to give up once it is finished.
        writer.abandon()


def floats(samples: NDArray[Any]) -> NDArray[numpy.float32]:
    """Samples as the core has them."""
    import numpy

    if samples.dtype.kind == "i":
        # A power of two: nothing is rounded.
        samples = numpy.multiply(samples, 1 / 32768, dtype=numpy.float32)
    return numpy.ascontiguousarray(samples, numpy.float32)


def check(samples: int, channels: int, path: str) -> None:
    """Refuses samples that take more than the budget."""
    takes = f"{samples} samples of {channels} channels take"
    remedy = "read it at a lower rate or with fewer channels"
    _memory.check_bytes(samples * channels * 4, takes, READING, remedy, path)

"""`show`: pictures, clips and sound as a notebook shows them."""

from __future__ import annotations

import base64
import html
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsFloat

from . import _rushes
from ._errors import Invalid, LimitExceeded, Unsupported
from ._sound import aread, awrite
from ._source import is_media
from ._still import numbers_of
from ._stream import Stream, Tile, mosaic, opened
from ._video import Video, seconds as exact
from ._writer import write
from .ops import resize

if TYPE_CHECKING:
    from numpy.typing import NDArray

WHAT = "showing it"
# A notebook keeps what it shows, and is opened again with all of it.
MOST_BYTES = 4 << 20
MOST_SIDE_PX, LEAST_SIDE_PX = 1024, 16
# A player's picture, its frames a second, and how long it plays.
PLAYER_PX, PLAYER_FPS = 480, 30
CLIP_SECS, SOUND_SECS, MOST_SECS = 20, 60, 600
# Frames of a contact strip, and how many stand beside each other.
STRIP, STRIP_COLUMNS = 12, 4
STRIP_PX = 960
# Of AAC; other rates are shown as WAV.
AAC_HZ = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000}


class Shown:
    """What `show` gives: a notebook shows it, and anything else its words.

    png: the bytes of a PNG; None for what is played.
    html: a text of HTML with everything in it, as `data:` addresses; None for a picture.

    Neither has more than some 6 MB.
    """

    __slots__ = ("_words", "html", "png")

    png: bytes | None
    html: str | None

    def __init__(self, words: str, *, png: bytes | None = None, html: str | None = None) -> None:
        self._words, self.png, self.html = words, png, html

    def _repr_png_(self) -> bytes | None:
        return self.png

    def _repr_html_(self) -> str | None:
        return self.html

    def __repr__(self) -> str:
        return f"<rushes.Shown: {self._words}>"


def show(
    thing: Any,
    rate: int | None = None,
    *,
    start: SupportsFloat | str = 0,
    seconds: SupportsFloat | str | None = None,
) -> Shown:
    """Shows a picture, a clip or sound in a notebook.

        rushes.show(video[7])               a picture
        rushes.show(video)                  a player; of a long one a strip of twelve frames
        rushes.show(video, start="1:30", seconds=10)
        rushes.show(samples, rate)          the waveform, and a player
        rushes.show(rushes.aread(path))     the same

    thing: a frame [H, W], [H, W, 3] or [H, W, 4] of uint8, uint16, bool or floats (0 to 1); a
        `rushes.Video`, a `rushes.Stream`, or an array [T, H, W, C]; with `rate` samples [N] or
        [N, C], -1 to 1, or both as `rushes.aread` gives them; or what `rushes.open` and
        `rushes.aread` read.
    rate: samples a second, in Hz.
    start: where it begins, in seconds; of a video or sound.
    seconds: how long it plays, at most 600; 20 s of pictures and 60 s of sound when None. A longer
        video is a strip of frames where neither this nor `start` is given.

    A frame is made smaller where a side has more than 1024 pixels, a clip where its width has
    more than 480, at no more than 30 frames a second; clips are silent. What is shown is in the
    notebook itself, with no more than 6 MB: where that is not enough, it becomes smaller still.
    A `Video` shows itself as this does.

    Raises `Invalid` (a ValueError) for what is none of these.
    """
    begins = exact(start)
    lasts = None if seconds is None else exact(seconds)
    if lasts is not None and not 0 < lasts <= MOST_SECS:
        raise Invalid(WHAT, f"seconds is {seconds!r}", f"it may be more than 0, to {MOST_SECS}")
    if rate is None and isinstance(thing, tuple) and len(thing) == 2:
        # What `aread` gives.
        thing, rate = thing
    if rate is not None:
        return of_sound(thing, rate, begins, lasts)
    if is_media(thing):
        try:
            thing = opened(thing)
        except Unsupported:
            return of_sound(*aread(thing), begins, lasts)
    if isinstance(thing, Video):
        return of_video(thing, begins, lasts)
    if not isinstance(thing, Stream):
        import numpy

        array = numpy.asarray(thing)
        if array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3, 4)):
            return of_picture(array)
        thing = Stream(array)
    return of_stream(thing, begins, lasts)


def of_picture(array: NDArray[Any]) -> Shown:
    """A picture, with as many pixels as there is room for."""
    picture = eight_bits(array)
    height, width = picture.shape[:2]
    words, most = f"a picture of {width}x{height}", MOST_SIDE_PX
    while True:
        data = _rushes.encode_still(fitted(picture, most), "png", None)
        if len(data) <= MOST_BYTES or most <= LEAST_SIDE_PX:
            return Shown(words, png=data)
        most //= 2


def of_video(video: Video, start: Fraction, lasts: Fraction | None) -> Shown:
    """A player of a video; a strip of one that is longer than a player may be."""
    if len(video) == 1:
        return of_picture(small(video, MOST_SIDE_PX)[0])
    length = video.duration
    whole = start == 0 and lasts is None
    if whole and length - video.times[0] > CLIP_SECS:
        return of_strip(video)
    if not 0 <= start < length:
        raise Invalid(WHAT, f"start is {float(start):.6g} s", f"it has {float(length):.6g} s")
    begins = max(start, video.times[0])
    ends = min(length, begins + (CLIP_SECS if lasts is None else lasts))
    rate = min(video.fps or Fraction(25), Fraction(PLAYER_FPS))
    name = os.path.basename(video.path)
    said = f"{name}: {clock(begins)} to {clock(ends)} of {clock(length)}"

    def frames() -> Iterator[Any]:
        with small(video, PLAYER_PX) as smaller:
            count = max(1, round((ends - begins) * rate))
            places = (smaller._index_at(begins + number / rate) for number in range(count))
            yield from smaller._each(places)

    return of_frames(frames(), rate, lambda count: said)


def of_stream(stream: Stream, start: Fraction, lasts: Fraction | None) -> Shown:
    """A player of a stream's beginning."""
    import numpy

    if stream.fps is None:
        return of_picture(numpy.asarray(next(iter(stream))))
    end = start + (CLIP_SECS if lasts is None else lasts)
    rate = min(stream.fps, Fraction(PLAYER_FPS))

    def frames() -> Iterator[Any]:
        for time, frame in stream.at_rate(rate).timed():
            if time is not None and time >= end:
                return
            if time is None or time >= start:
                yield even(fitted(eight_bits(frame), PLAYER_PX))

    chosen = frames()
    first = next(chosen, None)
    if first is None:
        raise Invalid(WHAT, f"there is no frame from {float(start):.6g} s on")
    said = f"{clock(start)} to %s of a stream"
    return of_frames(chain([first], chosen), rate, lambda count: said % clock(start + count / rate))


def of_frames(frames: Iterable[Any], rate: Fraction, said: Callable[[int], str]) -> Shown:
    """A player of frames, which are gone through once; smaller where they do not fit."""
    most = PLAYER_PX
    with tempfile.TemporaryDirectory(prefix="rushes-") as folder:
        path = Path(folder, "clip.mp4")
        count = write(path, frames, fps=rate, codec="h264")
        while path.stat().st_size > MOST_BYTES:
            most //= 2
            if most < LEAST_SIDE_PX:
                why = f"{count} frames take more than {MOST_BYTES} bytes"
                raise LimitExceeded(WHAT, why, "show fewer seconds")
            before, path = path, Path(folder, f"{most}.mp4")
            with Video(before) as large, small(large, most) as smaller:
                write(path, smaller.frames(), fps=rate, codec="h264")
        source = data_of("video/mp4", path.read_bytes())
    player = f'<video controls loop muted playsinline src="{source}"></video>'
    words = said(count)
    return Shown(words, html=captioned(player, words))


def of_strip(video: Video) -> Shown:
    """Frames from all over a video, with their times."""
    first, end = video.times[0], video.duration
    times = [first + (end - first) * (2 * n + 1) / (2 * STRIP) for n in range(STRIP)]
    with small(video, STRIP_PX // STRIP_COLUMNS) as smaller:
        tiles = [Tile(smaller[smaller._index_at(time)], label=clock(time)) for time in times]
        sheet = next(
            iter(mosaic(tiles, columns=STRIP_COLUMNS, most_side_px=STRIP_PX, spacing_px=2))
        )
    said = f"{os.path.basename(video.path)}: {len(video)} frames in {clock(end)}"
    source = data_of("image/jpeg", _rushes.encode_still(sheet, "jpg", 85))
    return Shown(said, html=captioned(f'<img src="{source}">', said))


def of_sound(given: Any, rate: int, start: Fraction, lasts: Fraction | None) -> Shown:
    """The waveform of sound, and a player."""
    import numpy

    from . import plot

    samples = numpy.asarray(given)
    if samples.ndim not in (1, 2) or not len(samples):
        shape = "x".join(map(str, samples.shape)) or "one number"
        raise Invalid(WHAT, f"the samples are {shape}", "they may be [N] or [N, C]")
    if samples.dtype.kind == "i":
        samples = samples / -float(numpy.iinfo(samples.dtype).min)
    samples = samples.reshape(len(samples), -1)
    if not 0 <= start < len(samples) / Fraction(rate):
        has = f"it has {len(samples) / rate:.6g} s"
        raise Invalid(WHAT, f"start is {float(start):.6g} s", has)
    first = int(start * rate)
    most = int((SOUND_SECS if lasts is None else lasts) * rate)
    suffix, kind = (".m4a", "audio/mp4") if rate in AAC_HZ else (".wav", "audio/wav")
    # What is not finite is silence to the ear, and a gap to the eye.
    chosen = samples[first : first + max(most, 1)]
    mixed = numpy.nan_to_num(chosen, posinf=0.0, neginf=0.0).astype(numpy.float32)
    if mixed.shape[1] > 2:
        mixed = mixed.mean(axis=1, keepdims=True, dtype=numpy.float32)
    with tempfile.TemporaryDirectory(prefix="rushes-") as folder:
        path = Path(folder, "sound" + suffix)
        while True:
            awrite(path, mixed, rate)
            if path.stat().st_size <= MOST_BYTES:
                break
            mixed = mixed[: len(mixed) * MOST_BYTES // path.stat().st_size * 19 // 20]
        source = data_of(kind, path.read_bytes())
    ends = start + Fraction(len(mixed), rate)
    lines = chosen[: len(mixed)]
    limit = max(1.0, float(numpy.nan_to_num(abs(lines), posinf=0.0).max(initial=0.0)))
    wave = plot.line(
        *numpy.nan_to_num(lines.T[:2]),
        x=float(start) + numpy.arange(len(lines)) / rate,
        x_limits=(float(start), max(float(ends), float(start) + 1 / rate)),
        y_limits=(-limit, limit),
        line_px=1.0,
        width_px=640,
        height_px=160,
        x_label="s",
    )
    picture = data_of("image/png", _rushes.encode_still(wave.array, "png", None))
    length = Fraction(len(samples), rate)
    said = f"sound of {samples.shape[1]} channels, {rate} Hz: {clock(start)} to {clock(ends)} of "
    said += clock(length)
    body = f'<img src="{picture}"><br><audio controls src="{source}"></audio>'
    return Shown(said, html=captioned(body, said))


def small(video: Video, most: int) -> Video:
    """The same video in RGB of 8 bits, no side longer than this."""
    height, width = video._frame_shape()[:2]
    scale = min(1, most / max(height, width))
    size = max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)
    return video._like("rgb24", size, "uint8")


def eight_bits(array: NDArray[Any]) -> NDArray[Any]:
    """A picture of uint8."""
    import numpy

    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.dtype == bool:
        array = array.astype(numpy.uint8) * 255
    shape = "x".join(map(str, array.shape))
    if 0 in array.shape:
        raise Invalid(WHAT, f"the array's shape is {shape}: it has no pixels")
    if numbers_of(array.dtype) is None and array.dtype != numpy.float16:
        remedy = "make it uint8 (0 to 255), uint16 (0 to 65535) or float32 (0 to 1)"
        raise Invalid(WHAT, f"the array's numbers are {array.dtype}", remedy)
    if array.dtype == numpy.uint16:
        array = ((array.astype(numpy.uint32) + 128) // 257).astype(numpy.uint8)
    elif array.dtype.kind == "f":
        array = numpy.rint(numpy.nan_to_num(array).clip(0, 1) * 255).astype(numpy.uint8)
    return numpy.ascontiguousarray(array)


def fitted(picture: NDArray[Any], most: int) -> NDArray[Any]:
    """A picture with no side longer than this."""
    height, width = picture.shape[:2]
    if max(height, width) <= most:
        return picture
    scale = most / max(height, width)
    return resize(
        picture, width_px=max(1, round(width * scale)), height_px=max(1, round(height * scale))
    )


def even(picture: NDArray[Any]) -> NDArray[Any]:
    """A picture with sides that a codec of halved colours takes, without opacity."""
    height, width = picture.shape[:2]
    if picture.ndim == 3:
        picture = picture[:, :, :3]
    if height > 1 and width > 1:
        return picture[: height // 2 * 2, : width // 2 * 2]
    return picture.repeat(2, axis=0)[:, : width // 2 * 2 or 1].repeat(2, axis=1)


def data_of(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def captioned(body: str, said: str) -> str:
    # Names are whatever somebody called a file.
    return f"<figure>{body}<figcaption>{html.escape(said)}</figcaption></figure>"


def clock(time: Fraction) -> str:
    """Seconds as h:mm:ss, with tenths where they count."""
    tenths = round(time * 10)
    minutes, left = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    text = f"{left // 10:02}" + (f".{left % 10}" if left % 10 else "")
    return f"{hours}:{minutes:02}:{text}" if hours else f"{minutes}:{text}"

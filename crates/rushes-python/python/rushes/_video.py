"""`Video`: any frame of a video, or of pictures in a row, as a NumPy array."""

from __future__ import annotations

import bisect
import operator
import os
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, SupportsFloat, SupportsIndex, overload

from . import _memory, _rushes
from ._errors import Invalid, Unsupported
from ._planes import Planes
from ._source import Media, origin_of, schemes_of

# NumPy is imported when a video is opened, so that `import rushes` does not wait for it.
if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

WHAT = "opening the video"
FORMATS = ("rgb24", "bgr24", "rgba", "gray")
DTYPES = ("uint8", "uint16", "float32")
CLOCK = re.compile(r"(?:[0-9]+:){0,2}[0-9]+(?:\.[0-9]+)?")
# What a fraction of the core holds.
MOST = 2**63 - 1


class Video:
    """The frames of a video, or of pictures in a row: like a list of them, each a NumPy array.

    An array is [H, W, C], rows from the top: [H, W, 3] for "rgb24" and "bgr24", [H, W, 4] for
    "rgba", and [H, W] for "gray". It is C-contiguous and owned by nobody else.

        video[7], video[-1]         one frame
        video[10:20:2]              several in one array [T, H, W, C]
        video[[3, 1, 1]]            these, in this order; integer arrays and boolean masks too
        video.at("1:02.5")          the frame shown at a time
        video.planes(7)             one frame as it is stored, Y, U and V apart
        for frame in video          one after another; memory stays flat
        video.frames(fps=5)         the frame shown at every fifth of a second
        video.frames(format="gray", size=(320, 0))

    Frame i is the same array whichever frames were read before: with B-frames, open groups of
    pictures, edit lists and varying frame rates too. In a batch each frame is decoded once. What
    would take more memory than `rushes.memory_budget_bytes` raises `NotEnoughMemory` before it is
    read.

    A notebook shows it with a player, or as a strip of frames; see `rushes.show`.

    Any number of threads may use one video, and a child after a fork; other threads run while it
    decodes, and Ctrl-C stops it. It is pickled as its path, or its bytes, and its options. Times are exact
    fractions of a second, counted from the start of the file: where sound starts first, the
    first frame's time is not 0.
    """

    __slots__ = (
        "__weakref__", "_closed", "_fps", "_given", "_index", "_left", "_options", "_origin", "_path",
        "_pid", "_reader", "_square", "_times", "_times_secs",
    )  # fmt: skip

    def __init__(
        self,
        path: Media,
        *,
        format: Literal["rgb24", "bgr24", "rgba", "gray"] = "rgb24",
        size: tuple[int, int] | None = None,
        dtype: Any = None,
        upright: bool = True,
        square_pixels: bool = False,
        threads: int = 0,
        fps: SupportsFloat | str | None = None,
        allow: Iterable[str] = (),
    ) -> None:
        # Known to be closed until all of it is there.
        self._closed = True
        self._options = (
            format_of(format),
            name_of(dtype),
            sides_of(size),
            bool(upright),
            count_of(threads),
        )
        self._origin, self._path = origin_of(path, allow, WHAT)
        # A path as it is now: another process may be in another folder.
        is_path = isinstance(path, (str, os.PathLike))
        self._given = (self._path if is_path else path), schemes_of(allow, WHAT)
        self._times: Times | None = None
        self._times_secs: NDArray[numpy.float64] | None = None
        # Readers of a process that this one was forked from.
        self._left: list[_rushes.Reader] = []
        self._fps = None if fps is None else rate_of(fps, WHAT)
        self._index = _rushes.Index(self._origin, terms(self._fps), is_main())
        self._reader = _rushes.Reader(self._index, *self._options, is_main())
        self._pid = os.getpid()
        self._square = bool(square_pixels)
        if self._square and (squared := self._squared()) is not None:
            self._options = (*self._options[:2], squared, *self._options[3:])
            self._reader = _rushes.Reader(self._index, *self._options, is_main())
        self._closed = False

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(
        self, index: SupportsIndex | slice | Iterable[SupportsIndex] | NDArray[Any]
    ) -> NDArray[Any]:
        one = whole(index)
        if one is None:
            return self._read(self._places(index))
        frame: NDArray[Any] = self._read([self._place(one)])[0]
        return frame

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return self.frames()

    def at(self, time: SupportsFloat | str) -> NDArray[Any]:
        """The frame shown at a time: seconds as a number or a Fraction, or "h:mm:ss.fff".

        It is that of the last frame whose time is not later; the first for a time before it. A
        float is compared with the times as floats, so that `at(float(video.times[i]))` is frame
        i. Raises `Invalid` (a ValueError) for a negative time or one after `duration`.
        """
        return self[self.index_at(time)]

    def index_at(self, time: SupportsFloat | str) -> int:
        """The number of the frame shown at a time; takes what `at` takes."""
        if not isinstance(time, (int, float, Fraction, Decimal, str)):
            # NumPy's own numbers.
            time = float(time)
        exact, end = seconds(time), self.duration
        if exact < 0 or (time > float(end) if isinstance(time, float) else exact > end):
            why = f"{time!r} is not within the video's {float(end):.6g} s"
            raise Invalid("finding the frame at a time", why)
        if isinstance(time, float):
            return max(bisect.bisect_right(self._secs(), time) - 1, 0)
        return self._index_at(exact)

    def frames(
        self,
        indices: slice | Iterable[SupportsIndex] | NDArray[Any] | None = None,
        *,
        format: Literal["rgb24", "bgr24", "rgba", "gray"] | None = None,
        size: tuple[int, int] | None = None,
        dtype: Any = None,
        square_pixels: bool | None = None,
        fps: SupportsFloat | str | None = None,
        device: Any = None,
    ) -> Iterator[NDArray[Any]]:
        """Frames one after another, each an array of its own; memory stays flat.

            for frame in video.frames(format="gray", size=(320, 0), fps=5):
                ...

        indices: which, as in `video[indices]`, in this order; None for all.
        format, size, dtype, square_pixels: what they are, as `rushes.open` takes them; None for
            what this video was opened with. Frames that differ from the video's have a decoder of their own, which
            closes with the last.
        fps: instead of indices, how many a second: for k = 0, 1, 2... the frame shown at k/fps
            seconds, until the end. A number, a Fraction, or text such as "30000/1001".
        device: "cpu", or None for the same. Arrays go elsewhere by DLPack:
            `torch.from_dlpack(frame).to("cuda")`.

        Raises `Invalid` (a ValueError) for parameters that make no sense, and `Unsupported` for
        another device.
        """
        if device is not None and str(device) != "cpu":
            remedy = 'send each there by DLPack: torch.from_dlpack(frame).to("cuda")'
            raise Unsupported("taking frames", f"device is {str(device)!r}, not 'cpu'", remedy)
        places: Iterable[int]
        if fps is None:
            places = range(len(self)) if indices is None else self._places(indices)
        elif indices is not None:
            raise Invalid("taking frames", "indices and fps are both given", "give one of them")
        else:
            places = self._sampled(rate_of(fps))
        if format is None and size is None and dtype is None and square_pixels is None:
            return self._each(places)
        return self._each_as(self._like(format, size, dtype, square_pixels), places)

    def planes(self, index: SupportsIndex) -> Planes:
        """A frame as it is stored: its Y, U and V, or R, G and B, each an array of its own.

        Nothing is converted, scaled or turned, whatever the video was opened with, and the
        numbers are those of the file: 10 bits are 0 to 1023, and limited range stays limited.
        What they mean is beside them; see `Planes`.

        Raises `Unsupported` for pixels that have no components, such as those with a palette.
        """
        reader = self._own()
        _memory.check(1, reader.frame_bytes, self._frame_shape())
        described = reader.planes(self._place(operator.index(index)), is_main())
        return Planes(described, *reader.rotation)

    def close(self) -> None:
        """Lets go of the file and the decoder; after it, taking a frame raises `Invalid`."""
        self._closed = True
        if self._pid == os.getpid():
            self._reader.close()

    def __enter__(self) -> Video:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def path(self) -> str:
        """The file, folder or pattern, absolute; or the address.

        Of what is open already its name, or what it is: "<bytes>".
        """
        return self._path

    @property
    def shape(self) -> tuple[int, ...]:
        """(T, H, W, C): frames, height and width in pixels, channels; (T, H, W) for "gray"."""
        return (len(self), *self._frame_shape())

    @property
    def dtype(self) -> numpy.dtype[Any]:
        """What numbers the arrays have: uint8, uint16 or float32."""
        import numpy

        return numpy.dtype(self._reader.dtype)

    @property
    def format(self) -> str:
        """What the numbers of a pixel are: "rgb24", "bgr24", "rgba" or "gray"."""
        return self._options[0]

    @property
    def fps(self) -> Fraction:
        """Frames a second, on average: exact for a constant rate; 0 where no frame lasts."""
        # Times may be rounded, as to milliseconds in Matroska.
        stated = self._index.rate_hz()
        if stated is not None:
            return Fraction(*stated)
        lasts = self.duration - self.times[0]
        return len(self) / lasts if lasts else Fraction(0)

    @property
    def times(self) -> Sequence[Fraction]:
        """When each frame is shown, in exact seconds from the start of the file.

        A sequence of Fractions; `numpy.asarray(video.times)` gives them as float64 [T].
        """
        if self._times is None:
            self._times = Times(self)
        return self._times

    @property
    def duration(self) -> Fraction:
        """When the last frame is over, in exact seconds from the start of the file."""
        end = self._index.end_secs()
        return self.times[-1] if end is None else Fraction(*end)

    @property
    def recorded(self) -> Sequence[Fraction] | None:
        """When each frame was recorded, in exact seconds since 1970-01-01 (UTC).

        By the clock of the machine that recorded it. None where that is not known: it is for
        recordings by StreamPix.
        """
        first = self._index.recorded_secs(0)
        if first is None:
            return None
        start = Fraction(*first)
        return [start + time for time in self.times]

    @property
    def keyframes(self) -> NDArray[numpy.int64]:
        """The numbers of the frames that the file marks as key frames, rising: int64 [K]."""
        import numpy

        return numpy.array(self._index.key_frames(), numpy.int64)

    @property
    def rotation(self) -> int:
        """The turn in degrees clockwise, 0 to 270, that the file says sets frames upright.

        Frames have been turned already, unless the video was opened with `upright=False`.
        """
        return self._reader.rotation[0]

    @property
    def mirrored(self) -> bool:
        """Whether the file says that frames are mirrored left to right, after the turn."""
        return self._reader.rotation[1]

    @property
    def sample_aspect(self) -> Fraction:
        """Width of a stored pixel over its height; 1 when the file states none.

        Frames have the pixels that are stored, unless they are made square: `square_pixels=True`.
        """
        return Fraction(*self._reader.sample_aspect)

    @property
    def warnings(self) -> list[str]:
        """Where the file's header and its content do not agree, in plain words."""
        return self._index.warnings()

    def __repr__(self) -> str:
        if self._closed:
            return f"<rushes.Video {self._path!r}, closed>"
        height, width = self._frame_shape()[:2]
        frames = f"{len(self)} frames" if len(self) != 1 else "1 frame"
        return (
            f"<rushes.Video {self._path!r}: {frames} of {width}x{height} {self.format} "
            f"{self._reader.dtype}, {float(self.fps):.6g} a second, {float(self.duration):.6g} s>"
        )

    def _repr_html_(self) -> str | None:
        """How a notebook shows it: as `rushes.show` does."""
        from ._show import show

        return None if self._closed else show(self).html

    def _repr_png_(self) -> bytes | None:
        """A picture, where it has one frame."""
        from ._show import show

        return None if self._closed or len(self) > 1 else show(self).png

    def __reduce__(self) -> tuple[Any, ...]:
        names = ("format", "dtype", "size", "upright", "threads")
        options = dict(zip(names, self._options, strict=True), square_pixels=self._square)
        source, allow = self._given
        return opened, (source, {**options, "fps": self._fps, "allow": sorted(allow)})

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        import numpy

        if copy is False:
            raise ValueError(
                "frames are decoded into an array of their own: there is no copy=False"
            )
        return numpy.asarray(self[:], dtype=dtype)

    def _like(
        self,
        format: str | None = None,
        size: tuple[int, int] | None = None,
        dtype: Any = None,
        square_pixels: bool | None = None,
    ) -> Video:
        """The same file with other frames: it is not read again to know every frame."""
        self._own()
        other = Video.__new__(Video)
        other._closed, other._path, other._left = True, self._path, []
        other._origin, other._given, other._fps = self._origin, self._given, self._fps
        own_format, own_dtype, own_size, upright, threads = self._options
        new_format = own_format if format is None else format_of(format)
        new_dtype = own_dtype if dtype is None else name_of(dtype)
        new_size = own_size if size is None else sides_of(size)
        other._square = self._square if square_pixels is None else bool(square_pixels)
        if self._square and not other._square and size is None:
            # What was made square is as it is stored again.
            new_size = None
        other._options = (new_format, new_dtype, new_size, upright, threads)
        other._times = other._times_secs = None
        other._index, other._pid = self._index, os.getpid()
        other._reader = _rushes.Reader(other._index, *other._options, is_main())
        if other._square and (squared := other._squared()) is not None:
            other._options = (new_format, new_dtype, squared, upright, threads)
            other._reader = _rushes.Reader(other._index, *other._options, is_main())
        other._closed = False
        return other

    def _squared(self) -> tuple[int, int] | None:
        """The size of frames whose pixels are square; None where it is theirs already, or given."""
        size, reader = self._options[2], self._reader
        aspect = Fraction(*reader.sample_aspect)
        if aspect <= 0 or aspect == 1 or (size is not None and min(size) > 0):
            return None
        turned, _ = reader.rotation
        if self._options[3] and turned % 180:
            aspect = 1 / aspect
        height, width, _ = reader.shape
        if size is None:
            return max(round(width * aspect), 1), height
        # One side is given, and the other was made for pixels as they are stored.
        if size[1]:
            return max(round(width * aspect), 1), size[1]
        return size[0], max(round(height / aspect), 1)

    def _frame_shape(self) -> tuple[int, ...]:
        height, width, channels = self._reader.shape
        return (height, width) if channels == 1 else (height, width, channels)

    def _own(self) -> _rushes.Reader:
        """The reader, opened anew in a process that was forked."""
        if self._closed:
            raise Invalid("reading the video", "it is closed", "open it again", self._path)
        pid = os.getpid()
        if pid != self._pid:
            # The other one's decoder has threads that are not here: it is not touched.
            self._left.append(self._reader)
            self._reader = _rushes.Reader(self._index, *self._options, is_main())
            self._pid = pid
        return self._reader

    def _read(self, places: Sequence[int]) -> NDArray[Any]:
        """These frames in one array."""
        import numpy

        reader = self._own()
        shape = self._frame_shape()
        _memory.check(len(places), reader.frame_bytes, shape)
        array = numpy.empty((len(places), *shape), reader.dtype)
        if len(places):
            reader.read_into(places, array.reshape(-1).view(numpy.uint8), is_main())
        return array

    def _each(self, places: Iterable[int]) -> Iterator[NDArray[Any]]:
        before, kept = -1, None
        following = iter(places)
        place = next(following, None)
        while place is not None:
            ahead = next(following, None)
            frame = self._read([place])[0] if kept is None or place != before else kept
            # The same one again, when time is cut finer than the frames: who has the first may
            # draw into it.
            kept = frame.copy() if ahead == place else None
            before = place
            yield frame
            place = ahead

    def _each_as(self, other: Video, places: Iterable[int]) -> Iterator[NDArray[Any]]:
        """Frames of another video like this one, for as long as this one is open."""
        with other:
            for frame in other._each(places):
                self._own()
                yield frame

    def _sampled(self, rate: Fraction) -> Iterator[int]:
        number, duration = 0, self.duration
        while number == 0 or number / rate < duration:
            yield self._index_at(number / rate)
            number += 1

    def _index_at(self, exact: Fraction) -> int:
        if exact.numerator <= MOST and exact.denominator <= MOST:
            found = self._index.at(exact.numerator, exact.denominator)
            if found is not None:
                return found
        return max(bisect.bisect_right(self.times, exact) - 1, 0)

    def _secs(self) -> NDArray[numpy.float64]:
        """The times as floats; not to be written."""
        import numpy

        if self._times_secs is None:
            self._times_secs = numpy.frombuffer(self._index.times_secs(), numpy.float64)
        return self._times_secs

    def _place(self, index: int) -> int:
        """A frame's number, counted from the end where it is negative."""
        count = len(self)
        if not -count <= index < count:
            raise IndexError(f"there is no frame {index}: the video has {count}, 0 to {count - 1}")
        return index + count if index < 0 else index

    def _places(self, indices: Any) -> Sequence[int]:
        """The numbers of the frames that were asked for."""
        import numpy

        if isinstance(indices, slice):
            return range(*indices.indices(len(self)))
        if isinstance(indices, (tuple, str, bytes)) or not isinstance(indices, Iterable):
            raise TypeError(
                "frames are taken by a number, a slice, or a list or array of numbers, not by "
                f"{type(indices).__name__}; take pixels out of the array: video[7][10:20, 30:40]"
            )
        if not hasattr(indices, "__array__"):
            indices = list(indices)
        array = numpy.asarray(indices)
        if array.size == 0 and array.ndim == 1 and array.dtype != bool:
            return []
        if array.ndim != 1:
            raise IndexError(f"frames are taken by one row of numbers, not by {array.ndim}")
        if array.dtype == bool:
            if len(array) != len(self):
                raise IndexError(f"the mask has {len(array)} values for {len(self)} frames")
            return numpy.flatnonzero(array).tolist()
        if array.dtype.kind not in "iu":
            raise IndexError(f"frames are taken by whole numbers, not by {array.dtype}")
        return [self._place(index) for index in array.tolist()]


class Times(Sequence[Fraction]):
    """When each frame of a video is shown, in exact seconds."""

    __slots__ = ("_video",)

    def __init__(self, video: Video) -> None:
        self._video = video

    def __len__(self) -> int:
        return len(self._video)

    @overload
    def __getitem__(self, index: int) -> Fraction: ...
    @overload
    def __getitem__(self, index: slice) -> list[Fraction]: ...
    def __getitem__(self, index: int | slice) -> Fraction | list[Fraction]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return Fraction(*self._video._index.time_secs(self._video._place(operator.index(index))))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(map(operator.eq, self, other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = [str(time) for time in self[:4]]
        return f"<{len(self)} times: {', '.join(shown)}{', ...' if len(self) > 4 else ''} s>"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        import numpy

        if copy is False:
            raise ValueError("the times are fractions: there is no array of them without a copy")
        return numpy.array(self._video._secs(), dtype=dtype)


def terms(fraction: Fraction | None) -> tuple[int, int] | None:
    """Numerator and denominator."""
    if fraction is None:
        return None
    if max(fraction.numerator, fraction.denominator) > MOST:
        raise invalid(f"fps is {fraction}", "it must be a number that a file could state")
    return fraction.numerator, fraction.denominator


def opened(path: Media, options: dict[str, Any]) -> Video:
    """A video that was pickled."""
    return Video(path, **options)


def is_main() -> bool:
    """Whether this is the thread that Python gives signals to."""
    return threading.current_thread() is threading.main_thread()


def invalid(why: str, remedy: str) -> Invalid:
    return Invalid(WHAT, why, remedy)


def whole(index: object) -> int | None:
    """A whole number of any kind; None for what is none."""
    if isinstance(index, bool):
        raise TypeError("frames are taken by numbers, not by a bool")
    try:
        return operator.index(index)  # type: ignore[arg-type]
    except TypeError:
        return None


def format_of(format: str) -> str:
    if format not in FORMATS:
        raise invalid(f"format is {format!r}", f"it may be {', '.join(FORMATS)}")
    return format


def name_of(dtype: Any) -> str | None:
    """A dtype by its name; None stays."""
    if dtype is None:
        return None
    name = dtype
    if not isinstance(dtype, str):
        import numpy

        try:
            name = numpy.dtype(dtype).name
        except TypeError:
            name = repr(dtype)
    if name not in DTYPES:
        raise invalid(f"dtype is {name!r}", f"it may be {', '.join(DTYPES)}, or None")
    return str(name)


def sides_of(size: Any, most_px: int = 2**32 - 1, what: str = WHAT) -> tuple[int, int] | None:
    """Width and height, of which one may be 0; None stays."""
    if size is None:
        return None
    try:
        width, height = (operator.index(side) for side in size)
    except (TypeError, ValueError):
        width = height = -1
    if min(width, height) < 0 or not 0 < max(width, height) <= most_px:
        remedy = "write it as (width, height) in pixels, like (640, 0)"
        raise Invalid(what, f"size is {size!r}", remedy)
    return width, height


def count_of(threads: int) -> int:
    if not 0 <= operator.index(threads) < 2**16:
        raise invalid(f"threads is {threads!r}", "it may be 0, for as many as fit, or more")
    return operator.index(threads)


def seconds(time: SupportsFloat | str) -> Fraction:
    """A time as exact seconds."""
    if not isinstance(time, str):
        try:
            return Fraction(time if isinstance(time, (int, Fraction, Decimal)) else float(time))
        except (ValueError, OverflowError):
            raise no_time(time) from None
    if not CLOCK.fullmatch(time.strip()):
        raise no_time(time)
    first, *rest = map(Fraction, time.strip().split(":"))
    for part in rest:
        if part >= 60:
            raise no_time(time)
        first = first * 60 + part
    return first


def no_time(time: object) -> Invalid:
    remedy = 'write it as seconds, or like "1:02:03.5"'
    return Invalid("finding the frame at a time", f"{time!r} is no time", remedy)


def rate_of(fps: SupportsFloat | str, what: str = "taking frames") -> Fraction:
    """Frames a second as an exact fraction; a float is meant as it is written."""
    try:
        if isinstance(fps, (int, Fraction, Decimal, str)):
            rate = Fraction(fps)
        else:
            rate = Fraction(repr(float(fps)))
    except (ValueError, ZeroDivisionError, OverflowError):
        rate = Fraction(0)
    if rate <= 0:
        raise Invalid(what, f"fps is {fps!r}", "it must be more than 0")
    return rate

"""`VideoReader`: the frames of a file, grey or in colour, changed on their way where it is asked."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from types import EllipsisType
from typing import Any, Self

import numpy

from ... import _memory
from ..._errors import Invalid, NotFound
from ..._video import Video, seconds
from . import transformations
from ._frames import Array, saturated, with_bar
from ._geometry import scaled
from ._hiris import HirisSeqFile

Path = str | os.PathLike[str]
Place = int | slice | EllipsisType
WHAT = "reading the video"

available_transforms = {
    "annotate", "brightness", "clahe", "clipLimit", "contrast", "crop", "gamma", "resize", "rotate",
    "sharpen", "tileGridSize",
}  # fmt: skip


class DefaultReader:
    """The frames of a file: uint8, grey [H, W] or, where `color` is true, RGB [H, W, 3].

    file_path: what `rushes.open` reads: video, animated pictures, stills in a row, `.seq`.
    color: RGB; else grey, which is luma.
    compat: as easimage: grey is the blue channel, and `width` and `height` are swapped.

    `reader[y, x, t]` gives (Y, X), for a slice of frames (Y, X, T), in colour with 3 behind.
    """

    def __init__(self, file_path: Path, color: bool = False, *, compat: bool = False) -> None:
        self.path, self.color, self.compat = os.fspath(file_path), bool(color), bool(compat)
        self._video: Video | None = None

    def open(self) -> None:
        """Opens the file, as the first frame does too."""
        self._opened()

    def close(self) -> None:
        """Closes the file; the next frame opens it again."""
        if self._video is not None:
            self._video.close()
            self._video = None

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._opened())

    @property
    def frames_number(self) -> int:
        """How many frames there are, all of which can be decoded."""
        return len(self)

    @property
    def fps(self) -> Fraction:
        """Frames a second, on average."""
        return self._opened().fps

    def frame(self, frame_id: int) -> Array:
        """Frame number `frame_id`, from 0. ValueError below 0, `NotFound` (an OSError) past the
        end."""
        number, count = operator.index(frame_id), len(self)
        if number < 0:
            raise Invalid(WHAT, "Cannot get negative frame ids", f"it may be 0 to {count - 1}")
        if number >= count:
            why = f"there is no frame {number}: the video has {count}, 0 to {count - 1}"
            raise NotFound(WHAT, why, path=self.path)
        return self._changed(self._channel(self._opened()[number]))

    def frames(self) -> Iterator[Array]:
        """Every frame, one after another; memory stays flat."""
        return self._between(0, len(self))

    def sequence(self, start: int | None = None, stop: int | None = None) -> Iterator[Array]:
        """The frames from `start` to before `stop`; a bar tells how far it is."""
        numbers = range(len(self))[start:stop]
        return with_bar(self._between(numbers.start, numbers.stop), len(numbers))

    def __getitem__(self, places: tuple[Place, Place, Place]) -> Array:
        if not isinstance(places, tuple) or len(places) != 3:
            raise IndexError("take pixels by three indices: reader[y, x, t]")
        y, x, t = (slice(None) if place is Ellipsis else place for place in places)
        if not isinstance(t, slice):
            return numpy.squeeze(self.frame(t)[y, x])
        numbers = range(len(self))[t]
        if not numbers:
            part = self.frame(0)[y, x]
            return numpy.empty((*part.shape[:2], 0, *part.shape[2:]), part.dtype)
        first = self.frame(numbers[0])[y, x]
        _memory.check(len(numbers), first.nbytes, first.shape)
        parts = [first, *(self.frame(number)[y, x] for number in numbers[1:])]
        # Time stands behind what is left of rows and columns, before colours.
        axis = sum(isinstance(place, slice) for place in (y, x))
        return numpy.squeeze(numpy.stack(parts, axis=axis))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows, columns and frames."""
        rows, columns = self._sides()
        return rows, columns, len(self)

    @property
    def width(self) -> int:
        """Columns; in compatibility, rows."""
        return self._sides()[0 if self.compat else 1]

    @property
    def height(self) -> int:
        """Rows; in compatibility, columns."""
        return self._sides()[1 if self.compat else 0]

    def _sides(self) -> tuple[int, int]:
        return self._opened().shape[1:3]  # type: ignore[return-value]

    def _opened(self) -> Video:
        if self._video is None:
            colors = self.color or self.compat
            self._video = Video(self.path, format="rgb24" if colors else "gray", dtype="uint8")
        return self._video

    def _channel(self, frame: Array) -> Array:
        return frame if self.color or frame.ndim == 2 else numpy.ascontiguousarray(frame[:, :, 2])

    def _between(self, start: int, stop: int) -> Iterator[Array]:
        for frame in self._opened()._each(range(start, stop)):
            yield self._changed(self._channel(frame))

    def _changed(self, frame: Array) -> Array:
        return frame


class OpenCVReader(DefaultReader):
    """The reader of video files; Rushes decodes them, not OpenCV."""


class HirisReader(DefaultReader):
    """The reader of `.seq` recordings, those of Hiris and those of StreamPix."""

    @property
    def seqfile(self) -> HirisSeqFile:
        """What a recording of Hiris states: names and texts. `CorruptMedia` for other files."""
        return HirisSeqFile(self.path)


class FFmpegReader(DefaultReader):
    """The reader that `use_ffmpeg=True` asks for, whose `sequence` counts otherwise."""

    def __init__(
        self,
        file_path: Path,
        color: bool = False,
        *,
        pix_fmt: str = "gray",
        compat: bool = False,
    ) -> None:
        if pix_fmt not in ("gray", "rgb24"):
            raise Invalid(WHAT, f"pix_fmt is {pix_fmt!r}", 'it may be "gray" or "rgb24"')
        super().__init__(file_path, color or pix_fmt == "rgb24", compat=compat)
        # FFmpeg's grey always was luma.
        self._luma = not self.color

    def _channel(self, frame: Array) -> Array:
        return frame

    def _opened(self) -> Video:
        if self._video is None:
            pixels: Any = "gray" if self._luma else "rgb24"
            self._video = Video(self.path, format=pixels, dtype="uint8")
        return self._video

    def get_framerate(self) -> float:
        """Frames a second; in compatibility only the numerator of that: 30000.0 for 29.97."""
        return float(self.fps.numerator if self.compat else self.fps)

    def sequence(
        self, start: int | str | None = None, stop: int | str | None = None
    ) -> Iterator[Array]:
        """The frames from `start` on: a number, or a time "HH:MM:SS".

        stop: how many, or where it ends as a time; None for all that follow.
        """
        video = self._opened()
        first = video.index_at(seconds(start)) if isinstance(start, str) else start or 0
        if stop is None:
            end = len(video)
        else:
            end = video.index_at(seconds(stop)) if isinstance(stop, str) else first + stop
        numbers = range(len(video))[first:end]
        return with_bar(self._between(numbers.start, numbers.stop), len(numbers))


class TransformingReader(DefaultReader):
    """A reader whose frames are changed: cut, turned, scaled, brightened, written upon.

    The order is always crop, rotate, resize, clahe, brightness and contrast, gamma, annotate,
    sharpen, and then the functions of `add_callback`.

    crop: pixels off the top, bottom, left and right: one number, four, or a dict of those names
        and `value` for the others.
    rotate: quarter turns counter-clockwise.
    resize: a factor; sides are rounded down.
    clahe: true, or an object with OpenCV's `apply`; `clipLimit` (8) or `tileGridSize` (5, 5) ask
        for it too.
    brightness, contrast: what is added, and the factor before that.
    gamma, inv_gamma: the exponent of `transformations.gamma`.
    annotate: dict(text=..., params={...}), the parameters of `annotate_image`.
    sharpen: the amount of `sharpen_img`. Frames stay uint8; in compatibility they become float64.
    """

    def __init__(
        self,
        path: Path,
        *,
        color: bool = False,
        compat: bool = False,
        crop: int | Sequence[int] | Mapping[str, int] | None = None,
        rotate: int | None = None,
        resize: float | None = None,
        clahe: Any = None,
        clipLimit: float | None = None,
        tileGridSize: tuple[int, int] | None = None,
        brightness: float = 0,
        contrast: float = 1,
        gamma: float | None = None,
        inv_gamma: bool = True,
        annotate: Mapping[str, Any] | None = None,
        sharpen: float | None = None,
    ) -> None:
        super().__init__(path, color, compat=compat)
        self._callbacks: list[Callable[[Array, DefaultReader], Array]] = []
        self._changed_sides: tuple[int, int] | None = None
        do, steps = transformations, list[Callable[[Array], Array]]()
        if crop is not None:
            if isinstance(crop, Mapping):
                sides = do.make_crop_params(**crop)
            else:
                sides = do.make_crop_params(*([crop] if isinstance(crop, int) else crop))
            steps.append(lambda frame: do.crop(frame, *sides))
        if rotate:
            turns = operator.index(rotate)
            steps.append(lambda frame: numpy.rot90(frame, turns))
        if resize is not None:
            scale = float(resize)
            steps.append(lambda frame: scaled(frame, scale))
        if clahe or clipLimit is not None or tileGridSize is not None:
            applied = clahe if hasattr(clahe, "apply") else None
            limit, tiles = (8 if clipLimit is None else clipLimit), tileGridSize or (5, 5)
            steps.append(lambda frame: do.clahe(frame, applied, limit, tiles))
        if brightness != 0 or contrast != 1:
            steps.append(lambda frame: do.contrast_brightness(frame, contrast, brightness))
        if gamma is not None:
            exponent = gamma
            steps.append(lambda frame: do.gamma(frame, exponent, inv_gamma))
        if annotate is not None:
            text, params = annotate["text"], dict(annotate.get("params", {}))
            steps.append(lambda frame: do.annotate_image(frame, text, **params))
        if sharpen is not None:
            amount = float(sharpen)
            sharpened = do.sharpen_img
            if compat:
                steps.append(lambda frame: sharpened(frame, amount))
            else:
                steps.append(lambda frame: saturated(numpy.rint(sharpened(frame, amount))))
        self._steps = steps

    def add_callback(self, function: Callable[[Array, DefaultReader], Array]) -> None:
        """Sends every frame through `function(frame, reader)`, after all that was there before."""
        self._callbacks.append(function)
        self._changed_sides = None

    def _sides(self) -> tuple[int, int]:
        if self._changed_sides is None:
            rows, columns = self.frame(0).shape[:2]
            self._changed_sides = rows, columns
        return self._changed_sides

    def _changed(self, frame: Array) -> Array:
        for step in self._steps:
            frame = step(frame)
        for function in self._callbacks:
            frame = function(frame, self)
        return frame


def VideoReader(path: Path, *, use_ffmpeg: bool = False, **options: Any) -> DefaultReader:
    """The reader for a file: a `TransformingReader` where an option changes frames, else one by
    the file's extension; all of them read what `rushes.open` does.

    Raises TypeError for an option that there is not.
    """
    if available_transforms & set(options):
        return TransformingReader(path, **options)
    if use_ffmpeg:
        return FFmpegReader(path, **options)
    if os.fspath(path).lower().endswith(".seq"):
        return HirisReader(path, **options)
    return OpenCVReader(path, **options)

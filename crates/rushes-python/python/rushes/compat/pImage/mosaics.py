"""`VignetteBuilder`: videos, arrays, and frames that are made, side by side, frame by frame."""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from types import SimpleNamespace
from typing import Any, Literal, NamedTuple

import numpy

from ..._errors import Invalid
from ..._stream import Stream, Tile, mosaic
from ..._video import rate_of
from ._frames import Array, saturated
from ._text import annotate_image
from .colors import rgb
from .readers import DefaultReader

WHAT = "laying out a mosaic"
# OpenCV's number of the mean of areas.
INTER_AREA = 3
# Time is counted in frames; streams want some rate.
FPS = 30
ARRAY_MODES = {"np_bw": 2, "np_bwt": 3, "np_col": 3}
ALIGNMENTS = {"hori": "row", "horizontal": "row", "vert": "column", "vertical": "column"}


class Frames(Sequence[Array]):
    """The frames of a reader or an array, to be gone through again and again."""

    def __init__(self, count: int, frame: Callable[[int], Array], each: Callable[[], Any]) -> None:
        self._count, self._frame, self._each = count, frame, each

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, i: Any) -> Any:
        return self._frame(operator.index(i))

    def __iter__(self) -> Iterator[Array]:
        return (saturated(numpy.asarray(frame)) for frame in self._each())


class VariableFrameProvider(SimpleNamespace):
    """Frames that a function makes: `bound(f)`, after which `f(self, i)` makes frame i.

        provider = VariableFrameProvider(side_px=64)
        provider.bound(lambda self, i: numpy.full((self.side_px, self.side_px), i, "uint8"))

    variables: attributes of it, for the function.

    It has no end of its own: a mosaic asks it for frames for as long as its other videos last.
    """

    def bound(self, function: Callable[[Any, int], Array]) -> None:
        """Has this function make the frames: [H, W] or [H, W, 3], 0 to 255."""
        self._function = function

    def get_frame(self, i: int) -> Array:
        """Frame number i. `Invalid` (a ValueError) where no function is bound."""
        if "_function" not in vars(self):
            raise Invalid(WHAT, "nothing makes the provider's frames", "call bound(function)")
        return numpy.asarray(self._function(self, i))

    def get_shape(self) -> tuple[int, int]:
        """Rows and columns of the first frame."""
        rows, columns = self.get_frame(0).shape[:2]
        return rows, columns


class Added(NamedTuple):
    """A video, and how it stands in the mosaic."""

    source: Stream | VariableFrameProvider
    change: Callable[[Array], Array] | None
    # Of its frames so many for each of the mosaic's.
    speed: Fraction
    # Frames of the mosaic before it begins.
    offset: int


class VignetteBuilder:
    """Videos side by side: RGB frames [H, W, 3] of uint8. Two frames of each are in memory.

    layout_style: "grid": cells as large as the first, into which the others are scaled; "snappy":
        in a row ("hori", "horizontal") or a column ("vert", "vertical") by `alignment`, all as high
        or as wide as the first.
    max_size: the longer side of the whole, at most, in pixels.
    border, padding: around the whole and between videos, in pixels.
    bg_color: where no video is: grey of 0 to 255, three numbers, or a name of CSS.
    target_ar: width by height that a grid without `columns` or `lines` comes nearest to.
    first_object: the number, from 0, of the video that stands left or on top in "snappy".
    fit_to: the number of the video whose size the others follow, from 0.
    resize_algorithm: OpenCV's INTER_AREA, 3: what is smaller is the mean of areas.
    columns, lines: of a grid.
    """

    def __init__(
        self,
        layout_style: str = "grid",
        *,
        max_size: int = 1000,
        border: int = 0,
        padding: int = 0,
        bg_color: Any = 0,
        target_ar: float = 16 / 9,
        first_object: int = 0,
        fit_to: int = 0,
        resize_algorithm: int = INTER_AREA,
        columns: int | None = None,
        lines: int | None = None,
        alignment: str = "hori",
    ) -> None:
        self._tiles: list[Added] = []
        self._made: Stream | None = None
        self._going: Iterator[Array] | None = None
        self._next, self._last = 0, numpy.zeros((0, 0, 3), numpy.uint8)
        self._columns, self._lines = columns, lines
        self._alignment = alignment
        self.set_layout(layout_style, alignment)
        self.set_max_size(max_size)
        self.set_border(border)
        self.set_padding(padding)
        self.set_bg_color(bg_color)
        self.set_target_aspect_ratio(target_ar)
        self.set_first_object(first_object)
        self.set_fit_to(fit_to)
        self.set_resize_algorithm(resize_algorithm)

    def set_layout(self, layout_style: str, alignment: str | None = None) -> None:
        """ "grid" or "snappy", and its alignment "hori" or "vert"."""
        alignment = self._alignment if alignment is None else alignment
        if layout_style not in ("grid", "snappy") or alignment not in ALIGNMENTS:
            why = f"the layout is {layout_style!r}, {alignment!r}"
            raise Invalid(WHAT, why, f'it may be "grid" or "snappy", and {", ".join(ALIGNMENTS)}')
        self._style, self._alignment = layout_style, alignment
        self._forget()

    def set_max_size(self, value: int) -> None:
        """The longer side of the whole, at most."""
        self._max_size = operator.index(value)
        self._forget()

    def set_border(self, value: int) -> None:
        """Pixels around the whole."""
        self._border = operator.index(value)
        self._forget()

    def set_padding(self, value: int) -> None:
        """Pixels between videos."""
        self._padding = operator.index(value)
        self._forget()

    def set_spacing(self, value: int) -> None:
        """The same."""
        self.set_padding(value)

    def set_bg_color(self, value: Any) -> None:
        """The colour where no video is."""
        self._background = color_of(value)
        self._forget()

    def set_target_aspect_ratio(self, value: float) -> None:
        """Width by height that a grid comes nearest to."""
        if not 0 < value < math.inf:
            raise Invalid(WHAT, f"the aspect ratio is {value!r}", "it must be more than 0")
        self._ratio = float(value)
        self._forget()

    def set_first_object(self, value: int) -> None:
        """The number of the video that stands left or on top in "snappy"; the others follow."""
        self._first = operator.index(value)
        self._forget()

    def set_fit_to(self, value: int) -> None:
        """The number of the video whose size the others follow."""
        self._lead = operator.index(value)
        self._forget()

    def set_resize_algorithm(self, value: int) -> None:
        """OpenCV's INTER_AREA, which is how videos are scaled; `Invalid` for another."""
        if value != INTER_AREA:
            why = f"the resize algorithm is {value!r}"
            raise Invalid(WHAT, why, f"it may be cv2.INTER_AREA, {INTER_AREA}; resize before")

    def fit_to(self, fit_to: int) -> None:
        """The old name of `set_fit_to`."""
        deprecated("fit_to", "set_fit_to")
        self.set_fit_to(fit_to)

    def add_border(self, width: int) -> None:
        """The old name of `set_border`."""
        deprecated("add_border", "set_border")
        self.set_border(width)

    def add_padding(self, thickness: int) -> None:
        """The old name of `set_padding`."""
        deprecated("add_padding", "set_padding")
        self.set_padding(thickness)

    def add_video(
        self,
        video_object: Any,
        array_mode: str | None = None,
        sampling_rate_multiplier: float = 1,
        time_offset: int = 0,
        transform_func: Callable[[VignetteBuilder, Array], Array] | None = None,
    ) -> None:
        """Adds a reader, an array, another builder, a `VariableFrameProvider`, or what
        `rushes.Stream` is made of.

        array_mode: what an array is: "np_bw" [Y, X], "np_bwt" [Y, X, T], "np_col" [Y, X, 3]; None
            for [Y, X], [Y, X, T] or [Y, X, T, 3], whichever it has as many dimensions of.
        sampling_rate_multiplier: for how many frames of the mosaic each of its frames stands.
        time_offset: frames of the mosaic before it begins; below 0 its first ones are left out.
        transform_func: changes each of its frames before it is scaled: `f(builder, frame)` gives
            another one. It is called on another thread.
        """
        rate = rate_of(sampling_rate_multiplier, WHAT)
        source, change = self._source(video_object, array_mode), None
        if transform_func is not None:
            transform = transform_func

            def change(frame: Array) -> Array:
                return saturated(numpy.asarray(transform(self, frame)))

        self._tiles.append(Added(source, change, 1 / rate, operator.index(time_offset)))
        self._forget()

    def frame(self, i: int) -> Array:
        """Frame number i; past the end, the background. Frames in order take the least time."""
        number = operator.index(i)
        if number < 0:
            raise Invalid(WHAT, f"the frame is {number}", "they are counted from 0")
        if number >= self.get_total_duration():
            blank = numpy.empty(self.frame(0).shape, numpy.uint8)
            blank[:] = numpy.rint(self._background)
            return blank
        if self._going is None or number < self._next - 1:
            self._rewind()
            self._going, self._next = iter(self._stream()), 0
        while self._next <= number:
            self._last = next(self._going)
            self._next += 1
        return self._last.copy()

    def frames(self) -> Iterator[Array]:
        """Every frame, one after another; memory stays flat."""
        return iter(self._stream())

    def get_total_duration(self) -> int:
        """How many frames there are, until the last video ends."""
        end = self._stream().duration
        return 1 if end is None else max(math.ceil(end * FPS), 1)

    def close(self) -> None:
        """Ends what reads ahead; the next frame begins anew."""
        self._rewind()

    def __enter__(self) -> VignetteBuilder:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _source(self, given: Any, array_mode: str | None) -> Stream | VariableFrameProvider:
        if array_mode is not None and not isinstance(given, numpy.ndarray):
            raise Invalid(WHAT, "array_mode is given for what is no array", "leave it out")
        if isinstance(given, VariableFrameProvider):
            return given
        if isinstance(given, VignetteBuilder):
            return given._stream()
        if isinstance(given, DefaultReader):
            return stream_of(len(given), given.frame, given.frames)
        if not isinstance(given, numpy.ndarray):
            return Stream(given)
        if array_mode is not None and ARRAY_MODES.get(array_mode) != given.ndim:
            why = f"array_mode is {array_mode!r} for {given.ndim} dimensions"
            raise Invalid(WHAT, why, f"it may be {', '.join(ARRAY_MODES)}")
        if given.ndim == 2 or array_mode == "np_col":
            return Stream(saturated(given))
        if given.ndim not in (3, 4):
            raise Invalid(WHAT, f"the array has {given.ndim} dimensions", "it may be [Y, X, T, 3]")
        frames = numpy.moveaxis(given, 2, 0)
        return stream_of(len(frames), frames.__getitem__, lambda: frames)

    def _streams(self) -> list[Stream]:
        """That of each video; where it has no end of its own, as long as the others last."""
        ends = [
            tile.offset + tile.source.duration * FPS / tile.speed
            for tile in self._tiles
            if isinstance(tile.source, Stream) and tile.source.duration is not None
        ]
        streams = []
        for source, change, speed, offset in self._tiles:
            if isinstance(source, VariableFrameProvider):
                if not ends:
                    why = "nothing in it says how many frames there are"
                    raise Invalid(WHAT, why, "add a video, or an array with time")
                source = made_by(source, max(math.ceil((max(ends) - offset) * speed), 1))
            streams.append(source if change is None else source.map(change))
        return streams

    def _stream(self) -> Stream:
        if self._made is None:
            count, is_grid = len(self._tiles), self._style == "grid"
            for name, number in (("fit_to", self._lead), ("first_object", self._first)):
                if not 0 <= number < count:
                    why = f"it has {count} videos, and {name} is {number}"
                    raise Invalid(WHAT, why, "add_video first")
            tiles = [
                Tile(stream, offset=Fraction(tile.offset, FPS), speed=tile.speed)
                for stream, tile in zip(self._streams(), self._tiles, strict=True)
            ]
            # In a grid they stand as they were added.
            order = sorted(range(count), key=lambda i: not is_grid and i != self._first)
            row: Any = ALIGNMENTS[self._alignment]
            layout: Literal["grid", "row", "column"] = "grid" if is_grid else row
            red, green, blue = (part / 255 for part in self._background)
            self._made = mosaic(
                [tiles[i] for i in order],
                layout=layout,
                columns=self._across() if is_grid else None,
                lead=order.index(self._lead),
                fps=FPS,
                most_side_px=self._max_size,
                border_px=self._border,
                spacing_px=self._padding,
                background=(red, green, blue),
            )
        return self._made

    def _across(self) -> int:
        """Columns of the grid."""
        count = len(self._tiles)
        if self._columns is not None:
            return self._columns
        if self._lines is not None:
            return -(-count // self._lines)
        height, width = next(iter(self._streams()[self._lead])).shape[:2]

        def far(columns: int) -> float:
            lines = -(-count // columns)
            return abs(math.log(columns * width / (lines * height) / self._ratio))

        return min(range(1, count + 1), key=far)

    def _forget(self) -> None:
        self._made = None
        self._rewind()

    def _rewind(self) -> None:
        close = getattr(self._going, "close", None)
        if close is not None:
            close()
        self._going = None


def color_of(value: Any) -> tuple[float, float, float]:
    """Red, green and blue, 0 to 255, of grey, of three numbers, or of a name."""
    return rgb((value,) * 3 if isinstance(value, (int, float)) else value)


def stream_of(count: int, frame: Callable[[int], Array], each: Callable[[], Any]) -> Stream:
    return Stream(Frames(count, frame, each), fps=FPS)


def made_by(provider: VariableFrameProvider, count: int) -> Stream:
    """So many frames of a provider."""
    return stream_of(count, provider.get_frame, lambda: map(provider.get_frame, range(count)))


def deprecated(old: str, new: str) -> None:
    warnings.warn(f"{old} is now {new}", DeprecationWarning, stacklevel=3)


def get_title_band(
    array: Array, title: str, height: int = 50, bg_color: Any = 0, **options: Any
) -> Array:
    """A band [height, W, 3] of uint8 with a title, as wide as a picture [H, W, ...].

    bg_color: grey of 0 to 255, three numbers, or a name of CSS.
    options: those of `annotate_image`.
    """
    band = numpy.empty((operator.index(height), array.shape[1], 3), numpy.uint8)
    band[:] = numpy.rint(color_of(bg_color))
    return numpy.asarray(annotate_image(band, title, **options))

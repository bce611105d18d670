"""Plots as frames: lines, arrays in colours, histograms, spectrograms, Matplotlib's figures.

    loud = rushes.plot.line(levels, x=times_secs, title="Level", y_label="dB")
    rushes.imwrite("loud.png", loud)
    rushes.mosaic([video, loud.follow(video)], layout="column").write("beside.mp4")

Each function gives a `Plot`: a frame [H, W, 3] RGB, or [H, W, 4] RGBA on a ground that is not
opaque, of uint8, that knows where its axes are. It goes wherever a picture does: into a
`rushes.Stream`, a `rushes.mosaic`, `rushes.imwrite`, `numpy.asarray`; a notebook shows it.
Text is in DejaVu Sans. Other threads run while it is drawn.

Every function takes these by name:

    width_px, height_px: of the frame, 1 to 16384.
    title, x_label, y_label: texts of at most 256 characters, above the plot, below the horizontal
        axis and beside the vertical one.
    text_px: size of the font in pixels, 4 to 200.
    ink, ground: colour of text and axes, and of the ground: (red, green, blue) or (red, green,
        blue, opacity), each 0 to 1.
"""

from __future__ import annotations

import importlib
import operator
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, SupportsFloat, TypedDict, Unpack

from . import _rushes
from ._errors import Invalid
from ._still import as_array
from ._stream import Stream, made_of, mono
from ._video import Video, rate_of, seconds

if TYPE_CHECKING:
    import numpy
    from numpy.typing import ArrayLike, NDArray

WHAT = "drawing a plot"
# Half as thick as a cursor is.
CURSOR_PX = 0.75

__all__ = ["Area", "Figure", "Plot", "figure", "histogram", "image", "line", "spectrogram"]


class Figure(TypedDict, total=False):
    """What every plot takes by name."""

    width_px: int
    height_px: int
    title: str
    x_label: str
    y_label: str
    text_px: float
    ink: Sequence[float]
    ground: Sequence[float]


class Area(NamedTuple):
    """Where the axes of a plot are, in pixels from its left and top, and what numbers they have.

    The centre of the first pixel is at 0.5.
    """

    left_px: float
    right_px: float
    top_px: float
    bottom_px: float
    x: tuple[float, float]
    """The numbers at the left and right end of the horizontal axis."""
    y: tuple[float, float]
    """The numbers at the lower and upper end of the vertical axis."""


class Plot:
    """A plot: a frame of uint8, and where its axes are.

    array: the frame, [H, W, 3] RGB or [H, W, 4] RGBA; `numpy.asarray(plot)` is the same.
    area: the `Area` of the axes; None for a figure of Matplotlib's.
    """

    __slots__ = ("_ink", "area", "array")

    array: NDArray[numpy.uint8]
    area: Area | None

    def __init__(
        self, array: NDArray[numpy.uint8], area: Area | None, ink: Sequence[float]
    ) -> None:
        self.array, self.area, self._ink = array, area, ink

    def pixel(self, x: SupportsFloat, y: SupportsFloat) -> tuple[float, float]:
        """Where a point of the data is drawn: pixels from the left and from the top."""
        area = self._axes()
        share_x = (float(x) - area.x[0]) / (area.x[1] - area.x[0])
        share_y = (float(y) - area.y[0]) / (area.y[1] - area.y[0])
        return (
            area.left_px + share_x * (area.right_px - area.left_px),
            area.bottom_px - share_y * (area.bottom_px - area.top_px),
        )

    def at(self, x: SupportsFloat) -> NDArray[numpy.uint8]:
        """The frame with an upright line at a number of the horizontal axis, such as a time.

        The line is 1.5 pixels thick; beyond the axis there is none. The array is owned by nobody
        else.
        """
        import numpy

        area, frame = self._axes(), self.array.copy()
        middle, _ = self.pixel(x, area.y[0])
        if not area.left_px <= middle <= area.right_px:
            return frame
        left = max(int(middle - CURSOR_PX), 0)
        columns = numpy.arange(left, min(left + 3, frame.shape[1]))
        # How much of each column of pixels the line covers.
        ends = numpy.minimum(columns + 1, middle + CURSOR_PX)
        shares = numpy.clip(ends - numpy.maximum(columns, middle - CURSOR_PX), 0, 1) * self._ink[3]
        top, bottom = round(area.top_px), max(round(area.bottom_px), round(area.top_px) + 1)
        under = frame[top:bottom, columns].astype(numpy.float64)
        ink = numpy.array([*self._ink[:3], 1.0])[: frame.shape[2]] * 255
        mixed = under + (ink - under) * shares[None, :, None]
        frame[top:bottom, columns] = numpy.rint(mixed)
        return frame

    def follow(self, source: Any, *, offset: SupportsFloat | str = 0) -> Stream:
        """This plot beside a video: a frame for each of its frames, with a line at its time.

        source: a `Video`, whose frames' times are taken, or a `Stream` with a rate and an end.
        offset: the number of the horizontal axis at the video's time 0: seconds as a number, a
            Fraction or text such as "1:02.5".
        """
        self._axes()
        start = seconds(offset)
        if isinstance(source, Video):
            times, end, rate = source.times, source.duration, source.fps
        elif isinstance(source, Stream) and source.fps is not None and source.duration is not None:
            end, rate = source.duration, rate_of(source.fps, WHAT)
            count = -(-end.numerator * rate.numerator // (end.denominator * rate.denominator))
            times = [number / rate for number in range(max(count, 1))]
        else:
            why = "what it is to follow has no rate or no end"
            raise Invalid(WHAT, why, "give a Video, or a Stream with fps and duration")

        def frames() -> Iterator[tuple[Any, Fraction | None, Fraction | None]]:
            for i, time in enumerate(times):
                last = end if i + 1 == len(times) else times[i + 1]
                yield self.at(start + time), time, last - time

        return made_of(frames, end, rate)

    def _axes(self) -> Area:
        if self.area is None:
            why = "where the axes of a figure of Matplotlib's are is not known"
            raise Invalid(WHAT, why, "use the plots of rushes.plot")
        return self.area

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        import numpy

        return numpy.array(self.array, dtype=dtype, copy=copy)

    def _repr_png_(self) -> bytes:
        """How a notebook shows it."""
        return _rushes.encode_still(self.array, "png", None)

    def __repr__(self) -> str:
        height, width, channels = self.array.shape
        axes = "" if self.area is None else f", x {told(self.area.x)}, y {told(self.area.y)}"
        return f"<rushes.plot.Plot of {width}x{height}{' RGBA' if channels == 4 else ''}{axes}>"


def line(
    *lines: ArrayLike,
    x: ArrayLike | None = None,
    names: Sequence[str] = (),
    colors: Sequence[Sequence[float]] = (),
    x_limits: tuple[float, float] | None = None,
    y_limits: tuple[float, float] | None = None,
    line_px: float = 1.5,
    **given: Unpack[Figure],
) -> Plot:
    """Draws numbers as lines over common axes.

    lines: one or more arrays [N] of finite numbers; what is not finite is a gap. At most 20
        million numbers in all.
    x: how far right each point is, [N]; 0, 1, 2... when None.
    names: of the lines, in a legend.
    colors: of the lines, (red, green, blue), each 0 to 1; those of Okabe and Ito when left out.
    x_limits, y_limits: ends of the axes; those of the data when None.
    line_px: how thick the lines are, 0.5 to 50 pixels.

    Raises `Invalid` (a ValueError) where there is no finite number, where lengths differ, and for
    parameters beyond their ranges.
    """
    across = None if x is None else numbers(x, "x", 1)
    several = [
        (
            numbers(one, "a line", 1),
            across,
            names[at] if at < len(names) else "",
            list(map(float, colors[at])) if at < len(colors) else None,
        )
        for at, one in enumerate(lines)
    ]
    what = figure_of(given)
    return made(_rushes.plot_lines(what, several, x_limits, y_limits, float(line_px)), what)


def histogram(
    values: ArrayLike,
    *,
    bins: int = 64,
    range: tuple[float, float] | None = None,
    **given: Unpack[Figure],
) -> Plot:
    """Draws how often numbers occur, as bars; counted as `numpy.histogram` does.

    values: an array of any shape, such as a frame.
    bins: 1 to 65536 of equal width.
    range: from the first to the last edge; the least and the greatest number when None.

    Raises `Invalid` (a ValueError) where there is no finite number and no range.
    """
    what = figure_of(given)
    flat = numbers(values, "values", None).reshape(-1)
    return made(_rushes.plot_histogram(what, flat, operator.index(bins), range), what)


def image(
    array: ArrayLike,
    *,
    map: str = "viridis",
    low: float | None = None,
    high: float | None = None,
    x: tuple[float, float] | None = None,
    y: tuple[float, float] | None = None,
    upwards: bool = False,
    bar: bool = True,
    bar_label: str = "",
    **given: Unpack[Figure],
) -> Plot:
    """Draws an array in colours, between axes, with a strip that explains the colours.

    array: [rows, columns], at most 2^28 numbers. Where there are more than pixels, each pixel has
        their mean; what is not finite counts as the lowest.
    map: of colours, as `rushes.ops.colormap` has them: "viridis", "magma", "turbo"...
    low, high: the numbers of the first and the last colour; the least and the greatest when None.
    x, y: numbers at the left and right, and at the lower and upper border; when None they count
        columns and rows.
    upwards: whether the first row is at the bottom.
    bar, bar_label: whether there is the strip, and the text beside it.

    Raises `Invalid` (a ValueError) where there is no finite number.
    """
    import numpy

    rows = numbers(array, "the array", 2)
    what = figure_of(given)
    return made(
        _rushes.plot_image(
            what,
            numpy.ascontiguousarray(rows, numpy.float32).reshape(-1),
            (rows.shape[0], rows.shape[1]),
            map,
            (low, high),
            x,
            y,
            bool(upwards),
            bool(bar),
            bar_label,
        ),
        what,
    )


def spectrogram(
    samples: ArrayLike,
    rate: SupportsFloat,
    *,
    window_samples: int = 1024,
    hop_samples: int = 256,
    low_db: float = -100.0,
    high_db: float = 0.0,
    map: str = "magma",
    start_secs: float = 0.0,
    **given: Unpack[Figure],
) -> Plot:
    """Draws the frequencies of sound over time: seconds to the right, hertz upwards, dB as colour.

    samples: [N], or [N, 1], -1 to 1.
    rate: samples a second, in Hz.
    window_samples, hop_samples: of each spectrum, and from one to the next; see `rushes.ops.stft`.
    low_db, high_db: levels of the first and the last colour; a sine of full scale has 0 dB.
    map: of colours, as `rushes.ops.colormap` has them.
    start_secs: when the first sample is.

    Raises `Invalid` (a ValueError) for less sound than one window has.
    """
    what = figure_of(given)
    return made(
        _rushes.plot_spectrogram(
            what,
            mono(samples, WHAT),
            float(rate),
            operator.index(window_samples),
            operator.index(hop_samples),
            (float(low_db), float(high_db)),
            map,
            float(start_secs),
        ),
        what,
    )


def figure(drawn: Any) -> Plot:
    """A figure of Matplotlib's as a frame, of as many pixels as its size in inches times its dpi.

    drawn: a `matplotlib.figure.Figure`, with whichever canvas. It is drawn by Agg; ground that is
        not opaque makes RGBA, else the frame is RGB.

    Raises ImportError where there is no Matplotlib.
    """
    import numpy

    agg = importlib.import_module("matplotlib.backends.backend_agg")
    before = drawn.canvas
    try:
        canvas = agg.FigureCanvasAgg(drawn)
        canvas.draw()
        # Its own memory, which the next drawing is drawn into.
        array = numpy.array(canvas.buffer_rgba())
    finally:
        # A window that shows it goes on doing so.
        drawn.set_canvas(before)
    opaque = bool((array[..., 3] == 255).all())
    return Plot(numpy.ascontiguousarray(array[..., :3]) if opaque else array, None, (0, 0, 0, 1))


def figure_of(given: Figure) -> dict[str, Any]:
    """What the core takes for a figure."""
    usual: dict[str, Any] = {
        "width_px": 640,
        "height_px": 400,
        "title": "",
        "x_label": "",
        "y_label": "",
        "text_px": 14.0,
        "ink": (0.0, 0.0, 0.0),
        "ground": (1.0, 1.0, 1.0),
    }
    if unknown := set(given) - set(usual):
        raise TypeError(f"a plot takes no {', '.join(sorted(unknown))}")
    what = {**usual, **given}
    for name in ("ink", "ground"):
        color = [float(share) for share in what[name]]
        if len(color) not in (3, 4):
            remedy = "write it as (red, green, blue) or (red, green, blue, opacity), each 0 to 1"
            raise Invalid(WHAT, f"{name} is {what[name]!r}", remedy)
        what[name] = color if len(color) == 4 else [*color, 1.0]
    for name in ("width_px", "height_px"):
        side = operator.index(what[name])
        if not 0 < side < 2**31:
            raise Invalid(WHAT, f"{name} is {side}", "it may be 1 to 16384")
    return what


def made(drawn: tuple[_rushes.Picture, Sequence[float]], what: dict[str, Any]) -> Plot:
    """What the core drew."""
    picture, (left, right, top, bottom, first, last, lowest, highest) = drawn
    area = Area(left, right, top, bottom, (first, last), (lowest, highest))
    return Plot(as_array(picture), area, what["ink"])


def numbers(array: ArrayLike, name: str, axes: int | None) -> NDArray[numpy.float64]:
    """An array of real numbers, as the core has them."""
    import numpy

    given = numpy.asarray(array)
    if given.dtype.kind not in "biuf":
        try:
            # Such as fractions.
            given = given.astype(numpy.float64)
        except (TypeError, ValueError):
            raise Invalid(WHAT, f"{name} has no numbers, but {given.dtype}") from None
    if axes is not None and given.ndim != axes:
        shape = "x".join(map(str, given.shape)) or "one number"
        raise Invalid(
            WHAT, f"{name} is {shape}", f"it has {axes} {'axis' if axes == 1 else 'axes'}"
        )
    return numpy.ascontiguousarray(given, numpy.float64)


def told(ends: tuple[float, float]) -> str:
    return f"{ends[0]:.6g} to {ends[1]:.6g}"

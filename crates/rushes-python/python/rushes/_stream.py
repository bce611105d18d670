"""`Stream`: frames one after another, changed on their way; `ops`; `mosaic`."""

from __future__ import annotations

import contextlib
import inspect
import json
import operator
import os
import queue
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, SupportsFloat

from . import _describe, _rushes
from ._errors import Error, Invalid
from ._source import is_media, place_of
from ._still import as_array, imread, picture_of
from ._video import Video, is_main, rate_of, seconds
from ._writer import write

if TYPE_CHECKING:
    import numpy
    from numpy.typing import ArrayLike, NDArray

WHAT = "changing frames"
# Frames that wait between the thread that reads and the one that uses them.
AHEAD = 3
# How often who waits looks whether the other is still there, in seconds.
TURN_SECS = 0.1

# The largest table, 256 colours a side, has 17 million lines; most have 36 thousand.
MOST_TABLE_BYTES = 1 << 29
# How a second stream is laid over a first.
THEN = (
    "then the frame that is shown at that time. Before its first and after its last frame is over "
    "nothing is changed."
)

# A frame on its way: the array, when it is shown and for how long.
Timed = tuple[Any, "Fraction | None", "Fraction | None"]


class Stream:
    """Frames one after another, changed on their way; nothing is read before they are asked for.

        small = rushes.Stream("clip.mp4").resize(width_px=320).clahe()
        for frame in small:
            ...
        small.map(lambda frame: 255 - frame).write("out.mp4")

    source: a `Video`, a file of one (or anything else that `open` opens, but an address; of a
        still it is a picture, which has no time), an array [T, H, W] or [T, H, W, C], one picture [H, W] or
        [H, W, C], or anything that gives arrays one after another.
    fps: frames a second of a source that has no times of its own (an array, a generator); 25
        when None. A number, a Fraction, or text such as "30000/1001".

    Each method gives a new stream and leaves this one as it is; the operations on frames are
    methods, with their parameters by name (`help(rushes.ops)` lists them). Reading and changing
    run on a thread of their own, a few frames ahead of who uses them; memory stays flat. A stream
    can be gone through again where its source can.

    Frames are arrays [H, W], [H, W, 3] or [H, W, 4] of uint8, uint16 or float32, each owned by
    nobody else.
    """

    __slots__ = ("_end", "_fps", "_frames", "_steps")

    def __init__(self, source: Any, *, fps: SupportsFloat | str | None = None) -> None:
        self._frames, self._end, self._fps = frames_of(source, fps)
        # Functions of an array, and lists of native operations: names with parameters as JSON.
        self._steps: tuple[Any, ...] = ()

    def map(self, function: Callable[[NDArray[Any]], Any]) -> Stream:
        """Every frame sent through a function, which gives an array; called on another thread."""
        if not callable(function):
            raise TypeError(f"map takes a function, not {type(function).__name__}")
        return self._with(function)

    def at_rate(self, fps: SupportsFloat | str) -> Stream:
        """At so many frames a second: for k = 0, 1, 2... the frame shown at k/fps seconds.

        Frames are repeated or left out, never mixed. A picture stays one frame.
        """
        rate = rate_of(fps, WHAT)

        def sampled() -> Iterator[Timed]:
            made = _rushes.sampled(self._as_tuples(), terms(self._end), terms(rate))
            return drawn(made)

        return made_of(sampled, self._end, rate)

    def deinterlace(
        self,
        *,
        first: Literal["top", "bottom"] = "top",
        both: bool = True,
        filter: Literal["complex", "simple"] = "complex",
    ) -> Stream:
        """Frames that hold two fields each as whole frames: one for each field, at twice the rate.

        The lines of a field stay; those between them are made by Weston's three-field filter (BBC
        patent PH-2071), as FFmpeg's `w3fdif` does.

        first: the field that was taken first: "top", the lines 0, 2, 4 and so on, or "bottom".
        both: if False, frames of the first field alone, at the rate that there was.
        filter: "complex" looks at four lines of the field and five of each neighbour, "simple" at
            two and three.

        Frames must be as they were recorded: not scaled, turned or cropped by odd lines before.
        """
        rate = None if self._fps is None else self._fps * (2 if both else 1)

        def whole() -> Iterator[Timed]:
            given = self._as_tuples(), terms(self._end)
            stated = terms(rate or Fraction(1))
            return drawn(_rushes.deinterlaced(*given, stated, first, filter, bool(both)))

        # What makes no sense is said now, not when the first frame comes.
        _rushes.deinterlaced(iter(()), None, (1, 1), first, filter, bool(both))
        return made_of(whole, self._end, rate)

    def timed(self) -> Iterator[tuple[Fraction | None, NDArray[Any]]]:
        """Each frame with the time at which it is shown, in exact seconds; None where it has none."""
        return ((time, array) for array, time, _ in self._ahead())

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return (array for array, _, _ in self._ahead())

    @property
    def fps(self) -> Fraction | None:
        """Frames a second, on average; None for a picture."""
        return self._fps

    @property
    def duration(self) -> Fraction | None:
        """When the last frame is over, in exact seconds; None where that is not known."""
        return self._end

    def write(
        self,
        path: str | bytes | os.PathLike[str] | os.PathLike[bytes],
        *,
        fps: SupportsFloat | str | None = None,
        codec: str | None = None,
        quality: int | None = None,
        plays: int = 0,
        start_number: int = 1,
        overwrite: bool = True,
    ) -> int:
        """Writes it as a video, or as numbered stills, as `rushes.write` does, and gives how many frames there were.

        fps: frames a second; the stream's own when None. Frames whose distance varies come at
            that rate by `at_rate` first.
        """
        rate = rate_of(fps, WHAT) if fps is not None else self._fps
        if rate is None:
            raise Invalid("writing the video", "it has no frame rate", "give fps")
        return write(
            path,
            self,
            fps=rate,
            codec=codec,
            quality=quality,
            plays=plays,
            start_number=start_number,
            overwrite=overwrite,
        )

    def __repr__(self) -> str:
        steps = [
            step[0] if isinstance(step, tuple) else getattr(step, "__name__", "map")
            for step in self._steps
        ]
        rate = "" if self._fps is None else f" at {float(self._fps):.6g} a second"
        return f"<rushes.Stream{rate}{''.join(f', {step}' for step in steps)}>"

    def _with(self, step: Any) -> Stream:
        made = made_of(self._frames, self._end, self._fps)
        made._steps = (*self._steps, step)
        return made

    def _paired(self, pair: _rushes.Pair, other: Stream) -> Stream:
        """With the frames of another stream, each at its time."""

        def paired() -> Iterator[Timed]:
            with contextlib.closing(Shown(other)) as shown:
                for array, time, lasts in self._changed():
                    layer = shown.at(time)
                    picture = picture_of(array, WHAT)
                    if layer is not None:
                        picture = as_array(pair.apply(picture, picture_of(layer, WHAT), is_main()))
                    yield picture, time, lasts

        return made_of(paired, self._end, self._fps)

    def _changed(self) -> Iterator[Timed]:
        """The frames, changed by the thread that asks for them."""
        chain: list[Any] = []
        for step in self._steps:
            if isinstance(step, tuple):
                if not chain or not isinstance(chain[-1], list):
                    chain.append([])
                chain[-1].append(step)
            else:
                chain.append(step)
        functions = [native(step) if isinstance(step, list) else step for step in chain]
        for array, time, lasts in self._frames():
            for function in functions:
                array = function(array)
            yield (picture_of(array, WHAT) if functions else array), time, lasts

    def _ahead(self) -> Iterator[Timed]:
        """The frames, made by a thread of their own."""
        return ahead(self._changed())

    def _as_tuples(self) -> Iterator[tuple[Any, Any, Any]]:
        """The frames as the core takes them."""
        return (
            (picture_of(array, WHAT), terms(time), terms(lasts))
            for array, time, lasts in self._ahead()
        )


def made_of(frames: Callable[[], Iterator[Timed]], end: Any, fps: Any) -> Stream:
    """A stream of what this gives each time it is called."""
    stream = object.__new__(Stream)
    stream._frames, stream._end, stream._fps, stream._steps = frames, end, fps, ()
    return stream


def frames_of(
    source: Any, fps: Any
) -> tuple[Callable[[], Iterator[Timed]], Fraction | None, Fraction | None]:
    """What gives the frames of a source, when they end, and their rate."""
    if isinstance(source, Stream):
        return source._changed, source._end, source._fps
    if is_media(source):
        source = opened(source)
    if isinstance(source, Video):
        if fps is not None:
            raise Invalid(WHAT, "fps is given for a video, which has its own", "use at_rate(fps)")
        return (lambda: of_video(source)), source.duration, source.fps
    rate = rate_of(25 if fps is None else fps, WHAT)
    if hasattr(source, "__array__"):
        import numpy

        array = numpy.asarray(source)
        if array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4)):
            picture = picture_of(array, WHAT)
            return (lambda: iter([(picture.copy(), None, None)])), None, None
        if array.ndim not in (3, 4):
            why = f"the array has {array.ndim} dimensions"
            raise Invalid(WHAT, why, "it may be [T, H, W] or [T, H, W, C]")
        return (lambda: counted((frame.copy() for frame in array), rate)), len(array) / rate, rate
    if not isinstance(source, Iterable):
        raise TypeError(f"a stream is made of frames, not of {type(source).__name__}")
    end = len(source) / rate if isinstance(source, Sequence) else None
    return (lambda: counted(iter(source), rate)), end, rate


def opened(path: Any) -> Any:
    """What a file holds: a video, or a picture where there is only one."""
    video = Video(path)
    if len(video) > 1:
        return video
    with video:
        try:
            # With its opacity.
            return imread(path)
        except Error:
            return video[0]


def of_video(video: Video) -> Iterator[Timed]:
    times, end = video.times, video.duration
    for i, frame in enumerate(video):
        last = end if i + 1 == len(times) else times[i + 1]
        yield frame, times[i], last - times[i]


def counted(frames: Iterator[Any], rate: Fraction) -> Iterator[Timed]:
    for i, frame in enumerate(frames):
        yield frame, i / rate, 1 / rate


def terms(value: Fraction | None) -> tuple[int, int] | None:
    """A fraction as the core takes it."""
    if value is None:
        return None
    if max(abs(value.numerator), value.denominator) >= 2**63:
        value = value.limit_denominator(1_000_000_000)
    return value.numerator, value.denominator


def native(chain: list[tuple[str, str]]) -> Callable[[Any], Any]:
    """The function that applies operations of the core."""
    operations = _rushes.Operations(chain)
    return lambda array: as_array(operations.apply(picture_of(array, WHAT), is_main()))


def mono(samples: ArrayLike, what: str) -> NDArray[numpy.float32]:
    """Samples of one channel."""
    import numpy

    given = numpy.asarray(samples)
    if given.ndim == 2 and given.shape[1] == 1:
        given = given[:, 0]
    if given.ndim != 1:
        shape = "x".join(map(str, given.shape)) or "one number"
        remedy = "take one channel, samples[:, 0], or read it with channels=1"
        raise Invalid(what, f"the samples are {shape}", remedy)
    if given.dtype.kind != "f":
        remedy = "make it float32 (-1 to 1)"
        raise Invalid(what, f"the samples are {given.dtype}", remedy)
    return numpy.ascontiguousarray(given, numpy.float32)


def drawn(frames: _rushes.Frames) -> Iterator[Timed]:
    """The frames that the core makes."""
    while (picture := frames.next()) is not None:
        time, lasts = (None if secs is None else Fraction(*secs) for secs in picture.times)
        yield as_array(picture), time, lasts


def ahead(items: Iterator[Any]) -> Iterator[Any]:
    """The items, made by another thread a few ahead; it ends with who uses them."""
    waiting: queue.Queue[tuple[str, Any]] = queue.Queue(AHEAD)
    stop = threading.Event()

    def put(item: tuple[str, Any]) -> bool:
        while not stop.is_set():
            try:
                waiting.put(item, timeout=TURN_SECS)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for item in items:
                if not put(("item", item)):
                    return
            put(("end", None))
        except BaseException as error:  # noqa: BLE001  it is raised where the items are used
            put(("error", error))

    worker = threading.Thread(target=work, name="rushes stream", daemon=True)
    worker.start()
    try:
        while True:
            kind, item = waiting.get()
            if kind == "end":
                break
            if kind == "error":
                raise item
            yield item
    except KeyboardInterrupt:
        # Nobody waits for the frame that it is at; it ends with that by itself.
        stop.set()
        raise
    except BaseException:
        stop.set()
        worker.join()
        raise
    worker.join()


class Tile:
    """A stream in a mosaic, and how it stands in it.

    source: what `Stream` takes.
    offset: seconds after the mosaic's start at which it begins; with less than 0 its first
        seconds are passed over. A number, a Fraction or "h:mm:ss.fff".
    speed: how many times as fast it runs.
    label: written into its lower left corner.
    """

    __slots__ = ("_label", "_offset", "_source", "_speed")

    def __init__(
        self,
        source: Any,
        *,
        offset: SupportsFloat | str = 0,
        speed: SupportsFloat | str = 1,
        label: str | None = None,
    ) -> None:
        self._source = source if isinstance(source, Stream) else Stream(source)
        self._label = label
        self._offset = seconds(offset)
        self._speed = rate_of(speed, "laying out a mosaic")

    def __repr__(self) -> str:
        return f"<rushes.Tile of {self._source!r}, from {self._offset} s, {self._speed} as fast>"


def mosaic(
    tiles: Iterable[Any],
    *,
    layout: Literal["grid", "row", "column"] = "grid",
    columns: int | None = None,
    lead: int = 0,
    fps: SupportsFloat | str | None = None,
    most_side_px: int = 3840,
    border_px: int = 0,
    spacing_px: int = 0,
    background: str | tuple[float, float, float] = "#000000",
) -> Stream:
    """Streams side by side in one stream of RGB frames [H, W, 3], at a constant rate.

    tiles: what stands in it: `Tile`s, `Stream`s (a mosaic is one too), or what a `Stream` is made
        of. A picture stays for as long as the others last.
    layout: "grid": cells of one size, that of the leading tile; the others are scaled to fit and
        stand in the middle of theirs. "row": side by side, all as high as the leading tile.
        "column": one above the other, all as wide.
    columns: of a grid; as many as make it nearest to 16:9 when None.
    lead: the tile whose size the others follow, counted from 0 as `tiles` is. The command's
        `--lead`, and `Library.mosaic`, count from 1.
    fps: frames a second; the highest of the tiles' when None.
    most_side_px: the longer side of the whole, at most; everything is scaled down to it.
    border_px, spacing_px: around the whole, and between tiles.
    background: the colour where no tile is: "#rrggbb", or red, green and blue, each 0 to 1.

    It ends with the tile that ends last. Numbers are those of the deepest tile (uint8, uint16 or
    float32). Two frames of each stream are held, so memory stays flat. Raises `Invalid` (a
    ValueError) for parameters that make no sense or a stream without a frame.
    """
    laid = [tile if isinstance(tile, Tile) else Tile(tile) for tile in tiles]
    rate = None if fps is None else rate_of(fps, "laying out a mosaic")

    def frames() -> _rushes.Frames:
        given = [
            (
                tile._source._as_tuples(),
                terms(tile._source._end),
                terms(tile._offset),
                terms(tile._speed),
                tile._label,
            )
            for tile in laid
        ]
        sizes = (operator.index(most_side_px), operator.index(border_px))
        return _rushes.mosaic(
            given,
            layout,
            columns,
            operator.index(lead),
            terms(rate),
            *sizes,
            operator.index(spacing_px),
            color_of(background),
        )

    # Made once to be checked, and to tell its rate and end.
    first = frames()
    is_picture = all(tile._source._fps is None for tile in laid)
    made_rate = None if is_picture else Fraction(*first.rate_hz)
    end = None if first.end_secs is None or is_picture else Fraction(*first.end_secs)
    del first
    return made_of(lambda: drawn(frames()), end, made_rate)


class Shown:
    """The frames of a stream by the time at which they are shown, asked for in order."""

    def __init__(self, stream: Stream) -> None:
        self._frames = stream._ahead()
        self._shown: Timed | None = None
        self._next: Timed | None = next(self._frames, None)

    def at(self, time: Fraction | None) -> Any:
        """The array; None before the first and after the last. A picture is always shown."""
        while self._next is not None and (
            self._next[1] is None or time is None or self._next[1] <= time
        ):
            self._shown = self._next
            # Of what has no times there is one.
            self._next = None if self._shown[1] is None else next(self._frames, None)
            if time is None:
                break
        if self._shown is None:
            return None
        array, begins, lasts = self._shown
        if begins is None or lasts is None or time is None:
            return array
        return array if time < begins + lasts else None

    def close(self) -> None:
        self._frames.close()  # type: ignore[attr-defined]


# What the second frame of an operation on two is called.
SECOND = {"blend": "layer", "flat_field": "flat"}


def color_of(color: str | Iterable[float]) -> list[float]:
    """Red, green and blue, each 0 to 1."""
    if not isinstance(color, str):
        return [float(share) for share in color]
    if not re.fullmatch("#[0-9A-Fa-f]{6}", color):
        remedy = "write it as #rrggbb, such as #202020"
        raise Invalid("laying out a mosaic", f"{color!r} is no colour", remedy)
    return [byte / 255 for byte in bytes.fromhex(color[1:])]


def operation(found: Mapping[str, Any]) -> tuple[Callable[..., Any], Callable[..., Stream]]:
    """An operation as a function of an array, or of two, and as a method of a stream."""
    name, schema = found["name"], found["schema"]
    second = SECOND.get(name, "other") if found["frames"] == 2 else None
    definitions = schema.get("$defs", {})
    required = schema.get("required", [])
    parameters = []
    for key, field in schema.get("properties", {}).items():
        default = inspect.Parameter.empty if key in required else field.get("default")
        annotation = _describe.type_name(field, definitions)
        if (name, key) == ("lut", "cube"):
            annotation += " | os.PathLike[str]"
        parameters.append(_describe.by_name(key, annotation, default))
    positional = inspect.Parameter.POSITIONAL_OR_KEYWORD

    def of_array(*arrays: Any, **given: Any) -> Any:
        bound = signature.bind(*arrays, **given).arguments
        array = bound.pop("array")
        if second is not None:
            other = bound.pop(second)
            pair = _rushes.Pair(name, as_json(name, bound))
            return as_array(pair.apply(picture_of(array, WHAT), picture_of(other, WHAT), is_main()))
        return native([(name, as_json(name, bound))])(array)

    def of_stream(self: Stream, *streams: Any, **given: Any) -> Stream:
        bound = method.bind(self, *streams, **given).arguments
        bound.pop("self")
        if second is not None:
            other = bound.pop(second)
            pair = _rushes.Pair(name, as_json(name, bound))
            return self._paired(pair, other if isinstance(other, Stream) else Stream(other))
        step = (name, as_json(name, bound))
        # What makes no sense is said now, not when the first frame comes.
        _rushes.Operations([step])
        return self._with(step)

    array = inspect.Parameter("array", positional, annotation="ArrayLike")
    own = inspect.Parameter("self", positional)
    arrays, owns = [array], [own]
    if second is not None:
        arrays.append(inspect.Parameter(second, positional, annotation="ArrayLike"))
        owns.append(inspect.Parameter(second, positional, annotation="Any"))
    signature = inspect.Signature([*arrays, *parameters], return_annotation="NDArray[Any]")
    method = inspect.Signature([*owns, *parameters], return_annotation="Stream")
    text = " ".join(schema.get("description", found["summary"]).split())
    rows = [(key, _describe.one_line(field)) for key, field in schema.get("properties", {}).items()]
    takes = "\n".join(["", "", "Takes:", *_describe.listing(rows)]) if rows else ""
    laid = f"\n\n{second}: a picture, or what a `Stream` is made of: {THEN}" if second else ""
    both: list[tuple[Any, inspect.Signature, str]] = [
        (of_array, signature, ""),
        (of_stream, method, laid),
    ]
    for function, shape, more in both:
        function.__name__ = function.__qualname__ = name
        function.__doc__ = f"{found['summary'].capitalize()}.\n\n{text}{more}{takes}\n"
        function.__signature__ = shape
    of_stream.__qualname__ = f"Stream.{name}"
    return of_array, of_stream


def as_json(name: str, given: Mapping[str, Any]) -> str:
    """The parameters of an operation as the core takes them."""
    if name == "lut" and is_name(given.get("cube")):
        given = {**given, "cube": table(given["cube"])}
    return json.dumps(given, default=plain)


def plain(value: Any) -> Any:
    """NumPy's numbers as Python's."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a parameter may not be {type(value).__name__}")


def is_name(cube: Any) -> bool:
    """Whether it names a file, and is not a table's text, which has lines."""
    return isinstance(cube, os.PathLike) or (isinstance(cube, str) and "\n" not in cube)


def table(path: str | os.PathLike[Any]) -> str:
    """The text of a .cube file."""
    return _rushes.read_text(place_of(path, WHAT), MOST_TABLE_BYTES)


OPERATIONS: dict[str, Callable[..., Any]] = {}
for _found in json.loads(_rushes.operations()):
    _of_array, _of_stream = operation(_found)
    OPERATIONS[_found["name"]] = _of_array
    setattr(Stream, _found["name"], _of_stream)
del _found, _of_array, _of_stream

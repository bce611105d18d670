"""`camera` and `cameras`: what a camera of this machine sees, as NumPy arrays."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, SupportsFloat

from . import _rushes
from ._errors import Invalid
from ._record import Record
from ._still import as_array
from ._stream import terms
from ._video import FORMATS, is_main, rate_of, sides_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

WHAT = "opening the camera"
MOST_PX = 65535


class Camera:
    """An open camera: frames one after another, each a NumPy array, as `rushes.camera` gives it.

        with rushes.camera(size=(640, 480)) as camera:
            for frame in camera:
                print(camera.time, frame.mean())

    A thread of its own takes frames as they come, and four wait at most: who is late gets the
    newest of them, and `dropped` says how many are missing. So a frame that is read is never old,
    and memory stays flat.

    An array is [H, W, C], rows from the top: [H, W, 3] for "rgb24" and "bgr24", [H, W, 4] for
    "rgba", and [H, W] for "gray"; uint8, 0 to 255. It is C-contiguous and owned by nobody else.
    Numbers are full range, made by the matrix and range that the camera states (BT.601, limited,
    where it states none).

    Any number of threads may read, each frame goes to one of them. Other threads run meanwhile,
    and Ctrl-C ends the waiting. A child after a fork cannot use it.
    """

    __slots__ = ("__weakref__", "_camera", "_time")

    def __init__(
        self,
        which: int | str | os.PathLike[str] = 0,
        *,
        size: tuple[int, int] | None = None,
        fps: SupportsFloat | str | None = None,
        format: Literal["rgb24", "bgr24", "rgba", "gray"] = "rgb24",
    ) -> None:
        if format not in FORMATS:
            raise Invalid(WHAT, f"format is {format!r}", f"it may be {', '.join(FORMATS)}")
        index = path = None
        if isinstance(which, (str, os.PathLike)):
            path = os.path.abspath(os.fspath(which))
        else:
            index = operator.index(which)
            if not 0 <= index < 2**31:
                remedy = "give its number among rushes.cameras(), or its device"
                raise Invalid(WHAT, f"which is {which!r}", remedy)
        rate = None if fps is None else terms(rate_of(fps, WHAT))
        self._camera = _rushes.Camera(index, path, sides_of(size, MOST_PX, WHAT), rate, format)
        self._time: Fraction | None = None

    @property
    def name(self) -> str:
        """What it calls itself."""
        return self._camera.name

    @property
    def path(self) -> str:
        """Its device, such as /dev/video0."""
        return os.fspath(self._camera.path)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of its frames in pixels."""
        height, width, _ = self._camera.shape
        return width, height

    @property
    def fps(self) -> Fraction | None:
        """Frames a second that the camera says it was set to; None where it says nothing."""
        rate = self._camera.rate_hz
        return None if rate is None else Fraction(*rate)

    @property
    def time(self) -> Fraction | None:
        """When the last frame was captured, in exact seconds from the first on; None before it."""
        return self._time

    @property
    def dropped(self) -> int:
        """Frames that were not given: not taken in time, lost by the driver, or broken."""
        return self._camera.dropped

    def read(self) -> NDArray[Any]:
        """The next frame; waits for it.

        Raises `Unavailable` (an OSError) where the camera is unplugged, and where no whole frame
        comes for 10 seconds; `Invalid` (a ValueError) where it is closed, also meanwhile.
        """
        return self._given(self._camera.read(is_main()))

    def latest(self) -> NDArray[Any] | None:
        """The newest frame, where there is one that was not given yet, else None; does not wait.

        Those before it are dropped, and counted. Raises what `read` raises, but for waiting.
        """
        picture = self._camera.latest(is_main())
        return None if picture is None else self._given(picture)

    def close(self) -> None:
        """Lets go of the camera, for good; who waits for a frame is told."""
        self._camera.close()

    def __iter__(self) -> Iterator[NDArray[Any]]:
        while True:
            yield self.read()

    def __enter__(self) -> Camera:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def __repr__(self) -> str:
        width, height = self.size
        return f"<rushes.Camera {self.name!r}, {width}x{height}, {self.path}>"

    def _given(self, picture: _rushes.Picture) -> NDArray[Any]:
        time = picture.times[0]
        self._time = None if time is None else Fraction(*time)
        return as_array(picture)


def camera(
    which: int | str | os.PathLike[str] = 0,
    *,
    size: tuple[int, int] | None = None,
    fps: SupportsFloat | str | None = None,
    format: Literal["rgb24", "bgr24", "rgba", "gray"] = "rgb24",
) -> Camera:
    """Opens a camera of this machine, by Video4Linux2, which Linux has.

    which: its number among `rushes.cameras()`, or its device, such as "/dev/video2".
    size: width and height of the frames in pixels; 0 for a side that keeps the ratio. The camera
        is set to the smallest size that covers it, and that is scaled. None for 640x480 or what
        the camera has next to it, as it is.
    fps: frames a second; the camera is set to what it has next to it, and `Camera.fps` says what
        that is. None for the most, up to 30.
    format: "rgb24", "bgr24", "rgba" or "gray" (luma).

    Of what the camera can send, that is taken which reaches the rate at this size, and is not
    compressed where it may be either. Raises `NotFound` (a FileNotFoundError) where there is none,
    `Denied` (a PermissionError) where this user may not use it, `Unavailable` (an OSError) where
    another program does, and `Unsupported` for what is no camera, or sends what is not read here.
    """
    return Camera(which, size=size, fps=fps, format=format)


def cameras() -> list[Record]:
    """The cameras of this machine, in the order of their devices.

    Each has `name`, `path`, and `modes`, what it can be set to: `pixel_format` (V4L2's four
    characters), `width_px`, `height_px`, and `rates_hz`, the frames a second as Fractions, the
    most first. Of a camera that has every size between two, these two are listed. The list is
    empty where there is no camera; `Denied` (a PermissionError) is raised where this user may use
    none of them.
    """
    return [
        Record(
            name=name,
            path=os.fspath(path),
            modes=[
                Record(
                    pixel_format=pixel_format,
                    width_px=width,
                    height_px=height,
                    rates_hz=[Fraction(*rate) for rate in rates],
                )
                for pixel_format, width, height, rates in modes
            ],
        )
        for name, path, modes in _rushes.cameras()
    ]

"""`run`: a program's functions, called with frames, sound, keys and the mouse while it runs."""

from __future__ import annotations

import contextlib
import operator
import os
import threading
import time
import warnings
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, SupportsFloat

import numpy

from ... import _rushes
from ..._camera import Camera
from ..._errors import Error, Invalid, Unavailable
from ..._video import Video, is_main, rate_of
from ._audio import Audio
from ._buffer import NummBuffer, runtime_errors, stamped
from ._callbacks import Callback, Callbacks, functions_of
from ._keys import Terminal, has_terminal, name_of
from ._screen import Capture, Meter, Recording, Sink
from ._video import frames_of, span

if TYPE_CHECKING:
    from numpy.typing import NDArray

Source = str | os.PathLike[str] | Iterable[Any]

WHAT = "running a program"
SIZE_PX, FPS = (320, 240), 30
MOST_PX = 16384
# How long nothing is looked at, at most.
TURN_SECS = 0.005
# So late, frames are left out, unless they are recorded.
LATE_SECS = 0.25


class Run:
    """Calls the functions of a program until it ends; each may be None, and be swapped meanwhile.

        def video_out(frame):
            frame[:, :, 0] = frame.timestamp // 10_000_000 % 256

        Run(video_out=video_out, video_sink="red.mp4").run()

    audio_out(samples): makes the next (n, 2) of int16, 44100 a second, from silence.
    audio_in(samples): gets what the sound device hears, alike. Both are called on threads of
        their own.
    video_out(frame): draws the next frame: (240, 320, 3) of uint8, black.
    video_in(frame): gets the next frame of `video_src`, of the same size; without one, of the
        first camera, the newest that it has.
    mouse_in(type, x, y, button): "mouse-move", "mouse-button-press" or "mouse-button-release",
        the place in the frame, 0 to 1 from left and top, and the button: 1, 2, 3, 0 for none.
    keyboard_in(type, key): "key-press" or "key-release", and X11's name of the key, such as "a",
        "space" or "Left". What it gives says whether the keys that this class knows (F9, F10,
        F11) are to do nothing. Without a window these are the keys of the terminal.
    exit_on_window_close: whether `run` ends when the window is closed.
    video_src: a video file, or anything that gives frames one after another. None for the camera.
    video_sink: a video file to write, or a function that is called with each frame.
    video_size: (width, height) of frames in pixels.
    video_fps: frames a second.

    A window shows what `video_out` draws, and the default sound device plays what `audio_out`
    makes. Where there is none, that is told once, and they are called all the same.

    Frames are `NummBuffer`s, whose `timestamp` is in nanoseconds from the start. What a function
    raises is printed, once where it repeats, and nothing ends; `sys.exit` in one ends it all. F9
    shows how many frames a second there are, F10 writes each frame as a PNG file until it is
    struck again, F11 prints where each function spends its time. Other names are ignored, so that
    `run(**globals())` runs a program.
    """

    def __init__(
        self,
        /,
        audio_out: Callback | None = None,
        video_out: Callback | None = None,
        audio_in: Callback | None = None,
        video_in: Callback | None = None,
        mouse_in: Callback | None = None,
        keyboard_in: Callback | None = None,
        exit_on_window_close: bool = True,
        video_src: Source | None = None,
        video_sink: Sink | None = None,
        video_size: tuple[int, int] = SIZE_PX,
        video_fps: SupportsFloat | str = FPS,
        **others: Any,
    ) -> None:
        self._size = size_of(video_size)
        self._fps = rate_of(video_fps, WHAT)
        self._source, self._sink = video_src, video_sink
        self._callbacks = Callbacks(
            functions_of(
                {
                    **others,
                    "audio_out": audio_out,
                    "video_out": video_out,
                    "audio_in": audio_in,
                    "video_in": video_in,
                    "mouse_in": mouse_in,
                    "keyboard_in": keyboard_in,
                }
            )
        )
        if callable(video_sink):
            self._callbacks.set("video_sink", video_sink)
        self._ended = threading.Event()
        self._frames: Iterator[NDArray[Any]] | None = None
        self._camera: Camera | None = None
        # Not to be had, or gone.
        self._is_cameraless = False
        self._recording: Recording | None = None
        self._terminal: Terminal | None = None
        self._window: _rushes.Window | None = None
        # Closed by who looks at it, or not to be had.
        self._is_windowless = False
        self._ends_with_window = bool(exit_on_window_close)
        self._audio: list[Audio] = []
        self._raised: BaseException | None = None
        self._capture: Capture | None = None
        self._meter, self._is_metered = Meter(), False
        self._warned: set[str] = set()

    def set_audio_out(self, function: Callback | None) -> None:
        """Calls this function as `audio_out` from now on."""
        self._callbacks.set("audio_out", function)

    def set_audio_in(self, function: Callback | None) -> None:
        """Calls this function as `audio_in` from now on."""
        self._callbacks.set("audio_in", function)

    def set_video_out(self, function: Callback | None) -> None:
        """Calls this function as `video_out` from now on."""
        self._callbacks.set("video_out", function)

    def set_video_in(self, function: Callback | None) -> None:
        """Calls this function as `video_in` from now on."""
        self._callbacks.set("video_in", function)

    def set_mouse_in(self, function: Callback | None) -> None:
        """Calls this function as `mouse_in` from now on."""
        self._callbacks.set("mouse_in", function)

    def set_keyboard_in(self, function: Callback | None) -> None:
        """Calls this function as `keyboard_in` from now on."""
        self._callbacks.set("keyboard_in", function)

    def quit(self) -> None:
        """Ends `run` after the frame that it is at; from any thread."""
        self._ended.set()

    def run(self) -> None:
        """Runs until `quit`, `sys.exit` in a function, Ctrl-C, or the window is closed.

        To be called on the main thread, which is where a window can be. Where `video_src` is over and there is no window, that ends it too. A file that is recorded
        is whole in each of these cases. Raises what opening `video_src` or writing `video_sink`
        raises.
        """
        self._ended.clear()
        self._is_windowless = self._is_cameraless = False
        number, start = 0, time.monotonic()
        try:
            self._open()
            while not self._ended.is_set():
                self._turn()
                due = float(number / self._fps) - (time.monotonic() - start)
                if due > 0:
                    self._ended.wait(min(due, TURN_SECS))
                    continue
                if due < -LATE_SECS and self._recording is None:
                    number += int(-due * self._fps)
                self._frame(Fraction(number) / self._fps)
                number += 1
        finally:
            self._close()
        if self._raised is not None:
            raise self._raised

    def _open(self) -> None:
        """Opens what was asked for by name."""
        self._raised = None
        self._audio = [
            Audio(name, self._callbacks, self._warn, self._end)
            for name in ("audio_out", "audio_in")
        ]
        if isinstance(self._sink, (str, os.PathLike)):
            self._recording = Recording(self._sink, self._fps)
        if isinstance(self._source, (str, os.PathLike)):
            with runtime_errors():
                video = Video(self._source, dtype="uint8", size=self._size)
            self._frames = frames_of(video, span(video, self._fps, 0, -1))
        elif self._source is not None:
            self._frames = iter(self._source)

    def _close(self) -> None:
        self._ended.set()
        with contextlib.ExitStack() as closing:
            for opened in (
                self._recording,
                self._terminal,
                self._window,
                self._camera,
                *self._audio,
            ):
                if opened is not None:
                    closing.callback(opened.close)
            self._recording = self._terminal = self._window = self._frames = None
            self._camera = None

    def _end(self, error: BaseException) -> None:
        """Ends it with what was raised on another thread."""
        self._raised = error
        self.quit()

    def _turn(self) -> None:
        """What is done many times a second."""
        for audio in self._audio:
            audio.follow()
        wants_window = self._callbacks.has("video_out", "mouse_in") and not self._is_windowless
        if wants_window and self._window is None:
            self._open_window()
        elif self._window is not None and not wants_window:
            self._window.close()
            self._window = None
        wants_terminal = self._callbacks.has("keyboard_in") and self._window is None
        if wants_terminal and self._terminal is None and is_main() and has_terminal():
            self._terminal = Terminal()
        elif self._terminal is not None and not wants_terminal:
            self._terminal.close()
            self._terminal = None
        if self._window is not None:
            self._hear(self._window)
        if self._terminal is not None:
            for key in self._terminal.read():
                # A terminal does not tell when a key is let go.
                self._key("key-press", key)
                self._key("key-release", key)

    def _open_window(self) -> None:
        try:
            if not is_main():
                remedy = "call run on the main thread"
                raise Unavailable("opening a window", "this is not the main thread", remedy)
            self._window = _rushes.Window("numm", *self._size)
        except Unavailable as error:
            self._is_windowless = True
            # Who has the frames elsewhere may do without.
            if self._sink is None:
                self._warn(error)

    def _hear(self, window: _rushes.Window) -> None:
        """What happened in the window."""
        for kind, x, y, button, key in window.events():
            if kind == "close":
                self._is_windowless = True
                if self._ends_with_window:
                    self.quit()
            elif kind.startswith("mouse"):
                self._callbacks.call("mouse_in", kind, x, y, button)
            else:
                self._key(kind, name_of(key))

    def _key(self, kind: str, key: str) -> None:
        if self._callbacks.call("keyboard_in", kind, key) or kind != "key-press":
            return
        if key == "F9":
            self._is_metered = not self._is_metered
        elif key == "F10":
            self._capture = None if self._capture else Capture()
        elif key == "F11":
            self._callbacks.profile()

    def _frame(self, at: Fraction) -> None:
        """A frame in and a frame out."""
        if self._callbacks.has("video_in"):
            self._take(at)
        if not self._callbacks.has("video_out") and self._window is None:
            return
        width, height = self._size
        frame = numpy.zeros((height, width, 3), numpy.uint8)
        self._callbacks.call("video_out", stamped(frame, at))
        self._meter.count()
        if self._window is not None:
            try:
                self._window.show(self._meter.drawn(frame) if self._is_metered else frame)
            except Unavailable as error:
                self._is_windowless = True
                self._warn(error)
        if not self._callbacks.has("video_out"):
            return
        if self._recording is not None:
            self._recording.write(frame)
        self._callbacks.call("video_sink", stamped(frame, at))
        if self._capture is not None:
            try:
                self._capture.write(frame)
            except Error as error:
                self._capture = None
                self._warn(error)

    def _take(self, at: Fraction) -> None:
        """A frame of the source."""
        if self._source is None:
            self._see(at)
            return
        if self._frames is None:
            return
        frame = next(self._frames, None)
        if frame is not None:
            # One of a file knows its own time.
            known = isinstance(frame, NummBuffer)
            self._callbacks.call("video_in", frame if known else stamped(numpy.asarray(frame), at))
            return
        self._frames = None
        if self._window is None:
            self.quit()

    def _see(self, at: Fraction) -> None:
        """The newest frame of the camera."""
        if self._is_cameraless:
            return
        try:
            if self._camera is None:
                self._camera = Camera(size=self._size, fps=self._fps)
            frame = self._camera.latest()
        except Error as error:
            self._is_cameraless = True
            remedy = "or give video_src: a file, or anything that gives frames one after another"
            self._warn(f"video_in has no camera: {error}; {remedy}")
            return
        if frame is not None:
            self._callbacks.call("video_in", stamped(frame, at))

    def _warn(self, problem: Error | str) -> None:
        """Says once what goes on without."""
        text = str(problem)
        if text not in self._warned:
            self._warned.add(text)
            warnings.warn(text, RuntimeWarning, stacklevel=2)


def run(**options: Any) -> None:
    """Runs a program's functions until it ends; `Run` says which there are.

    `run(**globals())` at the end of a program runs the functions that it has.
    """
    Run(**options).run()


def size_of(size: Any) -> tuple[int, int]:
    try:
        width, height = (operator.index(side) for side in size)
    except (TypeError, ValueError):
        width = height = 0
    if not (1 <= width <= MOST_PX and 1 <= height <= MOST_PX):
        remedy = f"write it as (width, height) in pixels, each 1 to {MOST_PX}"
        raise Invalid(WHAT, f"video_size is {size!r}", remedy)
    return width, height

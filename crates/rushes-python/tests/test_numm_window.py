"""The window of a program: what it shows, and what it hears, on a display that nobody sees."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
from conftest import PATIENCE_SECS
from numpy.typing import NDArray
from programs import Ran, no_display, start

from rushes.compat import numm

__all__ = ["no_display", "start"]
ROOM = "800x600"


@pytest.fixture
def display(no_display: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An X server of its own, for this test and what it runs."""
    for program in ("Xvfb", "xdotool", "ffmpeg"):
        if not shutil.which(program):
            pytest.skip(f"the {program} command is not installed")
    reading, writing = os.pipe()
    line = ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{ROOM}x24", "-nolisten", "tcp"]
    server = subprocess.Popen(line, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as told:
        name = f":{told.readline().strip()}"
    monkeypatch.setenv("DISPLAY", name)
    yield name
    server.kill()
    server.wait()


def xdotool(*words: object) -> str:
    line = ["xdotool", *map(str, words)]
    done = subprocess.run(line, capture_output=True, text=True, check=True, timeout=PATIENCE_SECS)
    return done.stdout.strip()


def opened() -> str:
    """The window, once it is there; it has the keyboard then."""
    window = xdotool("search", "--sync", "--onlyvisible", "--name", "^numm$").split()[0]
    xdotool("windowfocus", "--sync", window)
    return window


def shown(display: str, window: str) -> NDArray[Any]:
    """The pixels of a window, as ffmpeg takes them off the display."""
    geometry = dict(
        line.split("=") for line in xdotool("getwindowgeometry", "--shell", window).split("\n")
    )
    line = ["ffmpeg", "-v", "error", "-nostdin", "-f", "x11grab", "-draw_mouse", "0"]
    line += ["-video_size", ROOM, "-i", display, "-frames:v", "1", "-pix_fmt", "rgb24"]
    done = subprocess.run([*line, "-f", "rawvideo", "-"], stdout=subprocess.PIPE, check=True)
    pixels = numpy.frombuffer(done.stdout, "uint8").reshape(600, 800, 3)
    left, top, width, height = (int(geometry[key]) for key in ("X", "Y", "WIDTH", "HEIGHT"))
    return pixels[top : top + height, left : left + width]


def until(test: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECS
    while not test():
        assert time.monotonic() < end


class ClientMessage(ctypes.Structure):
    """X11's event of that name."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", ctypes.c_ulong),
        ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int),
        ("data", ctypes.c_long * 5),
        ("padding", ctypes.c_long * 24),
    )


def close(display: str, window: str) -> None:
    """Asks a window to close, as the cross in its frame does."""
    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XInternAtom.restype = ctypes.c_ulong
    connection = ctypes.c_void_p(x11.XOpenDisplay(display.encode()))
    atoms = [
        x11.XInternAtom(connection, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW")
    ]
    event = ClientMessage(type=33, window=int(window), message_type=atoms[0], format=32)
    event.data[0] = atoms[1]
    x11.XSendEvent(
        connection, ctypes.c_ulong(int(window)), 0, ctypes.c_long(0), ctypes.byref(event)
    )
    x11.XCloseDisplay(connection)


HALVES = """
def video_out(frame):
    frame[:, :160] = (200, 40, 10)
    frame[:, 160:] = (10, 60, 220)
    frame[120:] //= 2
def mouse_in(kind, x, y, button):
    print(f"<{kind} {x:.3f} {y:.3f} {button}>")
def keyboard_in(kind, key):
    print(f"<{kind} {key}>")
"""


def test_a_window_shows_frames_and_hears_keys_and_the_mouse(
    display: str, start: Callable[..., Ran]
) -> None:
    ran = start(HALVES)
    window = opened()
    wanted = numpy.zeros((240, 320, 3), "uint8")
    wanted[:, :160], wanted[:, 160:] = (200, 40, 10), (10, 60, 220)
    wanted[120:] //= 2
    until(lambda: numpy.array_equal(shown(display, window), wanted))

    xdotool("mousemove", "--window", window, 80, 60)
    ran.until("<mouse-move 0.250 0.250 0>")
    xdotool("click", 1, "click", 3)
    for number in (1, 3):
        ran.until(f"<mouse-button-press 0.250 0.250 {number}>")
        ran.until(f"<mouse-button-release 0.250 0.250 {number}>")
    keys = ("a", "comma", "Left", "Return", "space", "F5", "Shift_R")
    xdotool("key", *keys)
    for key in keys:
        ran.until(f"<key-press {key}>")
        ran.until(f"<key-release {key}>")

    # How many frames a second, in white on black.
    xdotool("key", "F9")
    until(lambda: bool((shown(display, window)[6:21, 6:30] == 255).all(axis=2).any()))
    corner = shown(display, window)
    assert (corner[3:6, 3:6] == 0).all() and numpy.array_equal(corner[30:], wanted[30:])
    xdotool("key", "F9")
    until(lambda: numpy.array_equal(shown(display, window), wanted))

    # Twice as wide: the picture lies in the middle, and places count from its corner.
    xdotool("windowsize", "--sync", window, 640, 240)
    until(lambda: numpy.array_equal(shown(display, window)[:, 160:480], wanted))
    assert not shown(display, window)[:, [0, 159, 480, 639]].any()
    moves = ["mousemove", "--window", window, 400, 120, "mousemove", "--window", window, 10, 0]
    xdotool(*moves)
    ran.until("<mouse-move 0.750 0.500 0>")
    ran.until("<mouse-move 0.000 0.000 0>")

    close(display, window)
    assert ran.ended() == 0


def test_closing_the_window_may_end_nothing(
    display: str, start: Callable[..., Ran], tmp_path: Path
) -> None:
    line = "exit_on_window_close = False\n"
    ran = start(line + HALVES, "--sink", "out.mp4")
    window = opened()
    close(display, window)
    ran.rewrite("def video_out(frame):\n    print('going on')")
    ran.until("going on")
    search = subprocess.run(
        ["xdotool", "search", "--name", "^numm$"], capture_output=True, check=False
    )
    assert not search.stdout
    ran.interrupt()
    assert ran.ended() == 0 and len(numm.video2np(tmp_path / "out.mp4"))

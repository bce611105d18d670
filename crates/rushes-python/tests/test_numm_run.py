"""Programs of numm: run here, and by the command, with a terminal and without."""

from __future__ import annotations

import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
from clips import Clips, clips, code
from conftest import PATIENCE_SECS
from programs import PROGRAM, Ran, no_display, start

import rushes
from rushes.compat import numm

__all__ = ["clips", "no_display", "start"]


def test_frames_go_into_a_file(tmp_path: Path) -> None:
    times: list[int] = []

    def video_out(frame: Any) -> None:
        assert frame.shape == (240, 320, 3) and frame.dtype == "uint8" and not frame.any()
        frame[:] = len(times) * 6
        times.append(frame.timestamp)
        if len(times) == 40:
            running.quit()

    running = numm.Run(video_out=video_out, video_sink=tmp_path / "out.mp4", video_fps=200)
    running.run()
    assert times == [n * 5_000_000 for n in range(40)]
    video = rushes.open(tmp_path / "out.mp4")
    assert video.shape == (40, 240, 320, 3) and video.fps == 200
    for number, frame in enumerate(video):
        assert abs(frame.astype(int) - number * 6).max() <= 3


@pytest.mark.parametrize("is_recorded", [False, True])
def test_late_frames_are_left_out_unless_they_are_recorded(
    is_recorded: bool, tmp_path: Path
) -> None:
    times: list[int] = []

    def video_out(frame: Any) -> None:
        times.append(frame.timestamp // 10_000_000)
        late = time.monotonic() + 0.3
        while len(times) == 1 and time.monotonic() < late:
            pass
        if len(times) == 3:
            running.quit()

    sink = tmp_path / "out.mp4" if is_recorded else lambda frame: None
    running = numm.Run(video_out=video_out, video_sink=sink, video_fps=100)
    running.run()
    assert (times == [0, 1, 2]) if is_recorded else (30 <= times[1] < times[2])


def test_a_program_runs_with_all_its_names() -> None:
    seen: list[Any] = []

    def sink(frame: Any) -> None:
        seen.append(frame)
        if len(seen) == 3:
            sys.exit()

    def video_output(frame: Any) -> None:
        frame[1, 2] = 7

    names = {**globals(), "self": 1, "size": "large", "video_sink": sink}
    names.update(video_output=video_output, video_size=(64, 32), video_fps="1000/3")
    with pytest.raises(SystemExit):
        numm.run(**names)
    assert [frame.shape for frame in seen] == [(32, 64, 3)] * 3
    assert seen[0].timestamp == 0 and seen[0].sum() == 21
    for wrong in ({"video_out": 7}, {"video_size": (0, 4)}, {"video_size": 4}, {"video_fps": 0}):
        with pytest.raises(rushes.Invalid):
            numm.run(**wrong)


def test_a_video_goes_in(clips: Clips, tmp_path: Path) -> None:
    seen: list[Any] = []

    def video_in(frame: Any) -> None:
        assert frame.shape == (96, 192, 3)
        seen.append((code(frame[:, :, 1]), frame.timestamp))
        if len(seen) == 8:
            running.quit()

    running = numm.Run(video_in=video_in, video_src=clips["plain.mp4"], video_size=(192, 96))
    running.run()
    assert seen == [(n, n * 10**9 // 30) for n in range(8)]
    with pytest.raises(RuntimeError):
        numm.run(video_in=video_in, video_src="none.mp4")


def test_it_ends_with_what_goes_in(clips: Clips) -> None:
    seen: list[Any] = []
    frames: Iterator[Any] = (numpy.full((4, 6, 3), n, "uint8") for n in range(5))
    numm.run(video_in=lambda frame: seen.append(frame[0, 0, 0]), video_src=frames, video_fps=500)
    assert seen == [0, 1, 2, 3, 4]
    # Half a second, four frames of it each second.
    numm.np2video(numpy.zeros((15, 16, 16, 3), "uint8"), clips.folder / "short.mp4")
    numm.run(video_in=seen.append, video_src=clips.folder / "short.mp4", video_fps=8)
    assert len(seen) == 9


def test_what_a_function_raises_ends_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    seen: list[int] = []

    def broken(frame: Any) -> None:
        seen.append(frame.timestamp)
        if len(seen) == 5:
            running.set_video_out(sound)
        raise KeyError("out of tune")

    def sound(frame: Any) -> None:
        seen.append(-1)
        running.quit()

    running = numm.Run(video_out=broken, video_sink=lambda frame: None, video_fps=500)
    running.run()
    assert len(seen) == 6 and seen[5] == -1
    printed = capfd.readouterr().err
    # Five times the same is told once.
    assert printed.count("KeyError: 'out of tune'") == 1 and "in broken" in printed


def test_video_in_without_a_camera_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def camera(**options: Any) -> None:
        assert options == {"size": (320, 240), "fps": 30}
        raise rushes.NotFound("opening the camera", "there is no camera")

    # On whose machine it is there may be one.
    monkeypatch.setattr("rushes.compat.numm._run.Camera", camera)

    def video_out(frame: Any) -> None:
        if frame.timestamp:
            running.quit()

    running = numm.Run(video_in=print, video_out=video_out, video_sink=lambda frame: None)
    with pytest.warns(RuntimeWarning, match="no camera: .*give video_src") as told:
        running.run()
    assert len(told) == 1


def test_without_a_display_it_goes_on() -> None:
    times: list[int] = []

    def video_out(frame: Any) -> None:
        times.append(frame.timestamp)
        if len(times) == 4:
            running.quit()

    running = numm.Run(video_out=video_out, video_fps=500)
    with pytest.warns(RuntimeWarning, match="there is no display; set DISPLAY") as told:
        running.run()
    assert len(told) == 1 and len(times) == 4


SHOUT = """
import numm
frames = []
def video_out(frame):
    frame[:] = 40
    frames.append(frame)
    if len(frames) == 3:
        print("%s")
"""
END = """
import sys
frames = []
def video_out(frame):
    if frames:
        sys.exit()
    frame[:] = 200
    frames.append(frame)
"""


def test_the_command_reads_its_file_again(tmp_path: Path, start: Callable[..., Ran]) -> None:
    ran = start(SHOUT % "one", "--fps", "100", "--sink", "out.avi", "--size", "32x16")
    ran.until("one\n")
    ran.rewrite("def video_out(frame:\n")
    assert "program.py" in ran.until("SyntaxError")
    ran.rewrite("1 / 0")
    ran.until("ZeroDivisionError")
    ran.rewrite("video_out = 7")
    ran.until("cannot be called")
    ran.rewrite(SHOUT % "two")
    ran.until("two\n")
    ran.rewrite(END)
    assert ran.ended() == 0
    # Written on through all of it, and whole.
    frames = numm.video2np(tmp_path / "out.avi", height=None, fps=100)
    assert frames.shape[1:] == (16, 32, 3) and len(frames) > 100
    assert abs(frames[:-1].astype(int) - 40).max() < 5 and frames[-1].mean() > 195


def test_ctrl_c_ends_the_command_and_the_file_is_whole(
    tmp_path: Path, start: Callable[..., Ran]
) -> None:
    ran = start(SHOUT % "one", "--fps", "100", "--sink", "out.mp4", "--size", "32x16")
    ran.until("one\n")
    ran.interrupt()
    assert ran.ended() == 0
    # It may have come before the third frame was written.
    assert len(rushes.open(tmp_path / "out.mp4")) >= 2


KEYS = """
import sys
def keyboard_in(kind, key):
    print(f"<{kind} {key}>")
    if key == "q":
        sys.exit()
    return key == "F9"
def video_out(frame):
    frame[:, :, 0] = frame.timestamp // 10_000_000
"""


def test_keys_of_a_terminal(tmp_path: Path, start: Callable[..., Ran]) -> None:
    for name in ("numm-capture-000-000000.png", "numm-capture-002-000000.png"):
        (tmp_path / name).write_bytes(b"")
    ran = start(KEYS, "--fps", "100", "--size", "24x16", terminal=True)
    # It is ready once the terminal does not wait for the end of a line any more.
    end = time.monotonic() + PATIENCE_SECS
    while termios.tcgetattr(ran.terminal)[3] & termios.ICANON and time.monotonic() < end:
        select.select([], [], [], 0.01)
    ran.strike("a é\x1b[A\r\x1b")
    for key in ("a", "space", "é", "Up", "Return", "Escape"):
        assert ran.until(f"<key-release {key}>").endswith(f"<key-press {key}>\n")
    ran.strike("\x1b[23~")
    assert "function calls" in ran.until("cumtime") and ran.until("video_out)")
    ran.strike("\x1b[21~")
    while not list(tmp_path.glob("numm-capture-001-*.png")):
        assert time.monotonic() < end
        select.select([], [], [], 0.01)
    ran.strike("q")
    ran.until("<key-press q>")
    assert ran.ended() == 0 and ran.is_restored
    assert rushes.imread(tmp_path / "numm-capture-001-000000.png").shape == (16, 24, 3)


def test_the_command_refuses_what_is_no_program(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("")
    asked = [
        (["none.py"], 2, b"usage: numm-run"),
        (["program.py", "--size", "large"], 2, b"usage: numm-run"),
        (["program.py", "--src", "none.mp4"], 1, b"none.mp4"),
    ]
    # Side by side: each takes as long as it takes to start.
    running = [
        subprocess.Popen([PROGRAM, *words], cwd=tmp_path, stderr=subprocess.PIPE)
        for words, _, _ in asked
    ]
    for process, (_, code, said) in zip(running, asked, strict=True):
        with process:
            _, errors = process.communicate(timeout=PATIENCE_SECS)
        assert process.returncode == code and said in errors

"""Cameras: programs that see a device of our own, which is loaded into them (`camera_fake/device.c`)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import PATIENCE_SECS, REPOSITORY

import rushes

SOURCE = REPOSITORY / "crates" / "rushes-codec" / "tests" / "camera_fake" / "device.c"
HEADER = Path("/usr/include/linux/videodev2.h")
HEAD = """\
import os, signal, threading, time
from fractions import Fraction
import numpy
import pytest
import rushes

def luma(n):
    "What the device draws."
    y, x = numpy.mgrid[:120, :160]
    return 16 + (3 * x + 5 * y + 7 * n) % 220

def full(luma):
    return numpy.floor((luma - 16) / 219 * 255 + 0.5).clip(0, 255).astype("uint8")

def number(camera):
    n = round(camera.time * 30)
    assert camera.time == Fraction(1_000_000 * n // 30, 1_000_000), camera.time
    return n
"""

See = Callable[[str, str], None]


@pytest.fixture(scope="module")
def see(tmp_path_factory: pytest.TempPathFactory) -> See:
    """Runs a program where there is a camera that behaves in some way."""
    if sys.platform != "linux" or not shutil.which("cc") or not HEADER.exists():
        pytest.skip(f"cc and {HEADER} are needed to make a camera")
    library = tmp_path_factory.mktemp("camera") / "camera.so"
    line = ["cc", "-O1", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl", "-lpthread"]
    subprocess.run(line, check=True)

    def run(way: str, program: str) -> None:
        added = {"LD_PRELOAD": str(library), "RUSHES_TEST_CAMERA": way}
        environment = {**os.environ, **added}
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            environment.pop(name, None)
        done = subprocess.run(
            [sys.executable, "-c", HEAD + program], env=environment, capture_output=True, text=True,
            timeout=PATIENCE_SECS, check=False,
        )  # fmt: skip
        assert done.returncode == 0 and done.stdout.endswith("done\n"), done.stdout + done.stderr

    return run


def test_frames_come_with_their_times(see: See) -> None:
    see(
        "/dev/video3 rate_ms=10",
        """
(known,) = rushes.cameras()
assert (known.name, known.path) == ("Moving pattern", "/dev/video3")
assert known.modes[1] == {
    "pixel_format": "YUYV", "width_px": 160, "height_px": 120, "rates_hz": [30, 15]
}
with rushes.camera(size=(160, 120), format="gray") as camera:
    assert camera.size == (160, 120) and camera.fps == 30 and camera.time is None
    assert (camera.name, camera.path) == ("Moving pattern", "/dev/video3")
    seen = []
    for frame in camera:
        assert frame.shape == (120, 160) and frame.dtype == "uint8" and frame.flags.writeable
        assert (frame == full(luma(number(camera)))).all()
        seen.append(camera.time)
        if len(seen) == 5:
            break
    assert seen == sorted(set(seen))
with pytest.raises(rushes.Invalid, match="it is closed"):
    camera.read()
shapes = {"rgb24": (60, 80, 3), "bgr24": (60, 80, 3), "rgba": (60, 80, 4)}
means = {}
for format, shape in shapes.items():
    with rushes.camera("/dev/video3", size=(80, 0), fps=15, format=format) as camera:
        assert camera.fps == 15
        frame = camera.read()
        assert frame.shape == shape and camera.time == 0
        means[format] = frame.reshape(-1, shape[2]).mean(0).tolist()
assert means["rgb24"] == means["bgr24"][::-1] == means["rgba"][:3] and means["rgba"][3] == 255
assert rushes.Camera("/dev/video3").size == (640, 480)
print("done")
""",
    )


def test_who_is_late_gets_the_newest(see: See) -> None:
    see(
        "/dev/video0 stall=20",
        """
camera = rushes.camera(size=(160, 120), format="gray")
while camera.dropped < 16:
    time.sleep(0)
camera.read()
assert number(camera) == 16 and camera.dropped == 16
frame = camera.latest()
assert number(camera) == 19 and (frame == full(luma(19))).all() and camera.dropped == 18
assert camera.latest() is None and number(camera) == 19
print("done")
""",
    )


def test_what_goes_wrong_is_told(see: See) -> None:
    see(
        "/dev/video0 unplug=3",
        """
camera = rushes.camera(size=(160, 120))
frames = 0
with pytest.raises(rushes.Unavailable, match="it is not there any more; plug it in again"):
    for frame in camera:
        frames += 1
assert frames + camera.dropped == 3
with pytest.raises(OSError):
    camera.read()
with pytest.raises(FileNotFoundError, match="there is no camera 1, only camera 0"):
    rushes.camera(1)
with pytest.raises(rushes.NotFound):
    rushes.camera("/dev/video-none")
with pytest.raises(rushes.Unsupported, match="no video device"):
    rushes.camera("/dev/null")
for wrong in ({"size": (0, 0)}, {"size": 7}, {"fps": 0}, {"format": "rgb48"}, {"which": -1}):
    with pytest.raises(rushes.Invalid):
        rushes.camera(**wrong)
print("done")
""",
    )
    see(
        "/dev/video0 denied=1",
        """
for use in (rushes.cameras, rushes.camera):
    with pytest.raises(PermissionError, match="join the group video"):
        use()
print("done")
""",
    )


def test_who_waits_can_be_stopped(see: See) -> None:
    see(
        "/dev/video0 stall=0",
        """
camera = rushes.camera(size=(160, 120))
late = []
for turn in range(3):
    sent = []
    def send():
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)
    # It runs while the camera is waited for.
    timer = threading.Timer(0.1, send)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        camera.read()
    late.append(time.monotonic() - sent[0])
    timer.join()
# The machine may be busy once.
assert min(late) < 0.1, late

# Closing it ends the waiting of another thread.
told = []
def wait():
    try:
        camera.read()
    except rushes.Invalid as error:
        told.append(error.why)
thread = threading.Thread(target=wait)
thread.start()
time.sleep(0.05)
camera.close()
thread.join()
assert told[0] in ("it was closed meanwhile", "it is closed"), told
print("done")
""",
    )


def test_a_child_after_a_fork_has_no_camera(see: See) -> None:
    see(
        "/dev/video0 rate_ms=5",
        """
camera = rushes.camera(size=(160, 120))
camera.read()
child = os.fork()
if not child:
    try:
        camera.read()
    except rushes.Invalid as error:
        del camera
        os._exit(0 if "forked" in str(error) else 2)
    os._exit(1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
camera.read()
print("done")
""",
    )


def test_numm_sees(see: See) -> None:
    see(
        "/dev/video1 rate_ms=5 unplug=60",
        """
import warnings
from rushes.compat import numm
seen = []
def video_in(frame):
    assert frame.shape == (120, 160, 3) and frame.dtype == "uint8"
    seen.append((frame.timestamp, int(frame.sum())))
def video_out(frame):
    if frame.timestamp > 20_000_000_000 or told:
        running.quit()
told = []
warnings.showwarning = lambda message, *rest: told.append(str(message))
running = numm.Run(
    video_in=video_in, video_out=video_out, video_sink=lambda frame: None,
    video_size=(160, 120), video_fps=100,
)
running.run()
times = [time for time, _ in seen]
assert len(seen) >= 3 and times == sorted(set(times)) and len({sum for _, sum in seen}) > 1
# It is unplugged, which is told once, and the program goes on.
assert len(told) == 1 and "video_in has no camera" in told[0], told
assert "not there any more" in told[0] and "or give video_src" in told[0]
print("done")
""",
    )


def test_there_need_not_be_a_camera() -> None:
    try:
        assert isinstance(rushes.cameras(), list)
    except rushes.Denied as error:
        assert "group video" in str(error)
    with pytest.raises(rushes.Invalid, match="its number"):
        rushes.camera(-1)

"""The sound of a program, played into a file and heard from one by ALSA."""

from __future__ import annotations

import ctypes.util
import os
from collections.abc import Callable
from pathlib import Path

import numpy
import pytest
from programs import Ran, no_display, start

__all__ = ["no_display", "start"]

# Twenty blocks, of which a tenth of a second may wait to be played, and a tenth may have gone by
# before a busy machine lets the function look at the clock. What does not wait takes a hundredth.
LEAST_SECS = 20 * 1024 / 44100 - 0.21

DEVICES = """
pcm.!default {
    type asym
    playback.pcm { type file slave.pcm { type null } file "played.raw" format "raw" }
    capture.pcm {
        type file slave.pcm { type null } file "/dev/null" infile "heard.raw" format "raw"
    }
}
"""
PLAY = """
import sys, time
blocks = []
times = []
def audio_out(samples):
    assert samples.shape == (1024, 2) and samples.dtype == "int16" and not samples.any()
    times.append(time.monotonic())
    if len(blocks) == 20:
        print("took", times[-1] - times[0], "s")
        sys.exit()
    samples[:, 0] = range(len(blocks) * 1024, (len(blocks) + 1) * 1024)
    samples[:, 1] = -samples[:, 0]
    blocks.append(samples.timestamp)
"""
HEAR = """
import sys
heard = 0
def audio_in(samples):
    global heard
    assert samples.shape == (1024, 2) and samples.timestamp == heard * 10**9 // 44100
    open("in.raw", "ab").write(samples.tobytes())
    heard += 1024
    if heard == 8192:
        sys.exit()
"""


@pytest.fixture
def devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sound device that is two files."""
    if not ctypes.util.find_library("asound"):
        pytest.skip("libasound2 is not installed")
    (tmp_path / "asound.conf").write_text(DEVICES)
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(tmp_path / "asound.conf"))


def test_sound_is_played(devices: None, tmp_path: Path, start: Callable[..., Ran]) -> None:
    ran = start(PLAY)
    ran.until("took ")
    # As fast as it is heard, though a file does not make it wait.
    assert float(ran.until(" s\n")) > LEAST_SECS
    assert ran.ended() == 0
    played = numpy.fromfile(tmp_path / "played.raw", "int16").reshape(-1, 2)
    wanted = numpy.arange(20 * 1024).astype("int16")
    assert len(played) >= len(wanted)
    assert (played[: len(wanted), 0] == wanted).all() and (
        played[: len(wanted), 1] == -wanted
    ).all()
    assert not played[len(wanted) + 1024 :].any()


def test_sound_is_heard(devices: None, tmp_path: Path, start: Callable[..., Ran]) -> None:
    sound = numpy.random.default_rng(2).integers(-32768, 32768, (40_000, 2), "int16")
    sound.tofile(tmp_path / "heard.raw")
    assert start(HEAR).ended() == 0
    heard = numpy.fromfile(tmp_path / "in.raw", "int16").reshape(-1, 2)
    assert numpy.array_equal(heard, sound[:8192])


def test_without_a_device_it_goes_on(
    tmp_path: Path, start: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "none.conf").write_text("")
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(tmp_path / "none.conf"))
    ran = start(PLAY + "def audio_in(samples):\n    print('heard')\n")
    told = ran.until("took ")
    assert float(ran.until(" s\n")) > LEAST_SECS
    assert ran.ended() == 0
    assert told.count("RuntimeWarning: opening a sound device") == 1 and "heard" not in told


LOADED = """
import sys
def video_out(frame):
    print("ALSA is loaded:", "libasound" in open("/proc/self/maps").read())
    sys.exit()
"""


def test_its_library_is_not_loaded_before_it_is_used(start: Callable[..., Ran]) -> None:
    if not os.path.exists("/proc/self/maps"):
        pytest.skip("this system does not say what is loaded")
    start(LOADED).until("ALSA is loaded: False")

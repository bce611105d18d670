"""Sound as arrays: read and written."""

from __future__ import annotations

import struct
import subprocess
import threading
import time
import wave
from pathlib import Path
from typing import Any

import numpy
import pytest
from clips import Clips, clips
from conftest import SAMPLES
from numpy.typing import NDArray
from test_video_processes import interrupted

import rushes

__all__ = ["clips"]


@pytest.fixture(autouse=True)
def no_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUSHES_MEMORY_BYTES", raising=False)


def noise(shape: tuple[int, ...]) -> NDArray[numpy.float32]:
    return numpy.random.default_rng(7).uniform(-1, 1, shape).astype(numpy.float32)


def tone(secs: float, rate: int, channels: int = 1) -> NDArray[numpy.float64]:
    times = numpy.arange(int(secs * rate)) / rate
    return numpy.stack([numpy.sin(times * 440 * (c + 1) * 6.28) * 0.5 for c in range(channels)], 1)


def ffmpeg(path: Path, *options: str) -> NDArray[numpy.float32]:
    """What ffmpeg decodes, channels interleaved."""
    line = ["ffmpeg", "-v", "error", "-nostdin", "-i", str(path), "-map", "0:a:0", *options]
    line += ["-f", "f32le", "-c:a", "pcm_f32le", "-"]
    done = subprocess.run(line, stdout=subprocess.PIPE, check=True)
    return numpy.frombuffer(done.stdout, numpy.float32)


@pytest.mark.parametrize("name", ["sweep.flac", "four-slow-bells.mp3"])
def test_samples_are_those_that_ffmpeg_decodes(clips: Clips, name: str) -> None:
    path = SAMPLES / "Studio" / name
    samples, rate = rushes.aread(path)
    theirs = ffmpeg(path).reshape(-1, samples.shape[1])
    assert isinstance(rate, int) and rate in (44100, 48000) and samples.dtype == numpy.float32
    assert samples.shape == theirs.shape and len(samples) > rate
    assert numpy.array_equal(samples, theirs)
    assert samples.flags.c_contiguous and samples.flags.writeable


def test_a_video_has_sound(clips: Clips) -> None:
    samples, rate = rushes.aread(clips["late.mp4"])
    theirs = ffmpeg(clips["late.mp4"])
    # What fills the last packet is no sound; the ffmpeg command gives it.
    assert samples.shape == (5 * rate, 1) and len(theirs) - len(samples) in range(1024)
    assert numpy.array_equal(samples[:, 0], theirs[: len(samples)])
    with pytest.raises(rushes.Unsupported):
        rushes.aread(clips["plain.mp4"])


def test_rate_and_channels_are_as_asked_for(tmp_path: Path) -> None:
    path, stored = tmp_path / "a.wav", tone(1, 48000, 2)
    rushes.awrite(path, stored, 48000, codec="pcm_f32le")
    samples, rate = rushes.aread(path, rate=16000, channels=1)
    assert rate == 16000 and samples.shape == (16000, 1)
    # Away from the ends, where the filter has no neighbours.
    mean = stored.mean(axis=1)[::3]
    assert numpy.abs(samples[200:-200, 0] - mean[200:-200]).max() < 0.01
    assert rushes.aread(path, channels=4)[0].shape == (48000, 4)
    assert rushes.aread(path, rate=numpy.int64(96000))[0].shape == (96000, 2)  # type: ignore[arg-type]
    for wrong in ({"rate": 0}, {"rate": 2_000_000}, {"channels": 0}, {"channels": 65}):
        with pytest.raises(rushes.Invalid):
            rushes.aread(path, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(5000,), (5000, 1), (5000, 2), (5000, 6)], ids=str)
@pytest.mark.parametrize("extension", ["wav", "mka"])
def test_floats_come_back_exactly(tmp_path: Path, extension: str, shape: tuple[int, ...]) -> None:
    path, array = tmp_path / f"a.{extension}", noise(shape)
    rushes.awrite(path, array, 44100, codec="pcm_f32le")
    samples, rate = rushes.aread(path)
    assert rate == 44100 and numpy.array_equal(samples, array.reshape(5000, -1))


def test_whole_numbers_come_back_exactly(tmp_path: Path) -> None:
    every = numpy.arange(-32768, 32768).astype(numpy.int16).reshape(-1, 2)
    for name in ("a.wav", "a.aiff", "a.flac"):
        rushes.awrite(tmp_path / name, every, 48000)
        samples, _ = rushes.aread(tmp_path / name)
        assert numpy.array_equal(samples * 32768, every), name
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 48000)
        read = numpy.frombuffer(file.readframes(1 << 20), "<i2").reshape(-1, 2)
    assert numpy.array_equal(read, every)
    # Any layout in memory.
    for other in (every[::-2], numpy.asfortranarray(every), every.astype(">i2"), every[:, 1]):
        rushes.awrite(tmp_path / "b.wav", other, 48000)
        samples, _ = rushes.aread(tmp_path / "b.wav")
        assert numpy.array_equal(samples * 32768, other.reshape(len(other), -1))


def test_every_kind_of_file_is_written_and_read(tmp_path: Path) -> None:
    array = tone(1, 48000, 2)
    sizes = {}
    for extension in ("wav", "aiff", "flac", "mp3", "m4a", "opus", "ogg", "mka"):
        path = tmp_path / f"a.{extension}"
        rushes.awrite(path, array, 48000)
        samples, rate = rushes.aread(path)
        assert rate == 48000 and samples.shape[1] == 2, extension
        assert abs(len(samples) - 48000) <= 1024, extension
        count = min(len(samples), 48000)
        apart = numpy.abs(samples[2000 : count - 2000] - array[2000 : count - 2000])
        assert numpy.sqrt((apart**2).mean()) < 0.02, extension
        sizes[extension] = path.stat().st_size
    rushes.awrite(tmp_path / "small.mp3", array, 48000, bit_rate=64000)
    assert (tmp_path / "small.mp3").stat().st_size < sizes["mp3"] < sizes["wav"]


@pytest.mark.parametrize(
    ("samples", "rate", "options", "kind"),
    [
        (numpy.zeros((2, 3, 4), "float32"), 48000, {}, rushes.Invalid),
        (numpy.float32(1), 48000, {}, rushes.Invalid),
        (numpy.zeros((2, 48000), "float32"), 48000, {}, rushes.Invalid),
        (numpy.zeros((5, 0), "float32"), 48000, {}, rushes.Invalid),
        (numpy.zeros((0, 2), "float32"), 48000, {}, rushes.Invalid),
        (numpy.zeros(5, "int32"), 48000, {}, rushes.Invalid),
        (numpy.zeros(5, "uint8"), 48000, {}, rushes.Invalid),
        (numpy.zeros(5, bool), 48000, {}, rushes.Invalid),
        (numpy.zeros(5), 0, {}, rushes.Invalid),
        (numpy.zeros(5), 48000, {"codec": "flac"}, rushes.Invalid),
        (numpy.zeros(5), 48000, {"bit_rate": 0}, rushes.Invalid),
        (numpy.zeros(5), 48000.0, {}, TypeError),
    ],
    ids=str,
)
def test_what_cannot_be_written_leaves_nothing(
    tmp_path: Path, samples: Any, rate: Any, options: dict[str, Any], kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        rushes.awrite(tmp_path / "a.wav", samples, rate, **options)
    assert not list(tmp_path.iterdir())


def test_a_file_is_replaced_as_a_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, one = tmp_path / "a.wav", noise((1000,))
    rushes.awrite(path, one, 48000, codec="pcm_f32le", overwrite=False)
    with pytest.raises(rushes.Conflict):
        rushes.awrite(path, one * 0, 48000, overwrite=False)
    with pytest.raises(rushes.Unsupported):
        rushes.awrite(tmp_path / "a.txt", one, 48000)
    before, seconds = path.read_bytes(), numpy.zeros(48000 * 3600, numpy.int16)
    assert interrupted(lambda: rushes.awrite(path, seconds, 48000), 0.05) < 1
    assert path.read_bytes() == before and [it.name for it in tmp_path.iterdir()] == ["a.wav"]
    rushes.awrite(path, one * 0, 48000, codec="pcm_f32le")
    assert not rushes.aread(path)[0].any()


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty minutes."""
    path = tmp_path_factory.mktemp("long") / "a.flac"
    rushes.awrite(path, numpy.tile(noise((48000,)) / 4, 1200), 48000)
    return path


def test_ctrl_c_is_heard_within_100_ms(long: Path) -> None:
    began = time.monotonic()
    assert rushes.aread(long)[0].shape == (48000 * 1200, 1)
    assert time.monotonic() - began > 0.25, "too fast to be interrupted"
    ended = [interrupted(lambda: rushes.aread(long)) for _ in range(3)]
    print("ended", [f"{secs:.3f}" for secs in ended], "s after Ctrl-C")
    assert min(ended) < 0.1


def test_other_threads_run_meanwhile(long: Path) -> None:
    ended = threading.Event()
    turns = 0

    def count() -> None:
        nonlocal turns
        while not ended.wait(0.002):
            turns += 1

    thread = threading.Thread(target=count)
    thread.start()
    began, before = time.monotonic(), turns
    rushes.aread(long)
    took_secs, counted = time.monotonic() - began, turns - before
    ended.set()
    thread.join()
    assert counted > took_secs * 20, f"{counted} turns in {took_secs} s"


def test_sound_over_the_budget_is_refused(
    tmp_path: Path, long: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = 48000 * 1200
    monkeypatch.setattr(rushes, "memory_budget_bytes", samples * 4 - 1, raising=False)
    with pytest.raises(rushes.NotEnoughMemory, match=f"{samples} samples of 1 channels") as caught:
        rushes.aread(long)
    assert caught.value.path == str(long)
    assert rushes.aread(long, rate=8000)[0].shape == (8000 * 1200, 1)
    # More than it states: FLAC may leave its length open (bits 108 to 143 of STREAMINFO).
    data = bytearray(long.read_bytes())
    assert data[:4] == b"fLaC" and struct.unpack(">I", data[22:26])[0] == samples
    data[22:26] = (48000).to_bytes(4, "big")
    liar = tmp_path / "liar.flac"
    liar.write_bytes(data)
    monkeypatch.setattr(rushes, "memory_budget_bytes", 48000 * 100)
    with pytest.raises(rushes.NotEnoughMemory):
        rushes.aread(liar)
    monkeypatch.setattr(rushes, "memory_budget_bytes", samples * 4)
    assert rushes.aread(liar)[0].shape == (samples, 1)


def test_what_is_no_sound_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(rushes.NotFound):
        rushes.aread(tmp_path / "none.wav")
    with pytest.raises(rushes.Unsupported):
        rushes.aread(SAMPLES / "Studio" / "contours.png")
    (tmp_path / "empty.wav").write_bytes(b"")
    with pytest.raises(rushes.CorruptMedia):
        rushes.aread(tmp_path / "empty.wav")

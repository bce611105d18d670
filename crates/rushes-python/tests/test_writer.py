"""Arrays as the frames of a video."""

from __future__ import annotations

import gc
import itertools
import multiprocessing
import os
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from fractions import Fraction
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy
import pytest
from clips import HEIGHT, WIDTH, Clips, clips, code, decoded, drawn, probed
from conftest import PATIENCE_SECS
from numpy.typing import NDArray
from test_video_processes import interrupted

import rushes

__all__ = ["clips"]


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home of its own."""
    monkeypatch.setenv("RUSHES_HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.delenv("RUSHES_MEMORY_BYTES", raising=False)


def noise(shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    numbers = numpy.random.default_rng(7)
    return numbers.integers(0, numpy.iinfo(dtype).max, shape, dtype, endpoint=True)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_array_and_a_generator_are_the_same(tmp_path: Path) -> None:
    array = numpy.stack([drawn(number) for number in range(60)])
    each = (drawn(number) for number in range(60))
    for name, frames in (("array.mkv", array), ("each.mkv", each)):
        # Lossless: x264 itself does not give the same bytes each time on a busy machine.
        assert rushes.write(tmp_path / name, frames, fps=30, codec="ffv1") == 60
        assert numpy.array_equal(rushes.open(tmp_path / name, format="gray")[:], array)
    assert rushes.write(tmp_path / "a.mp4", array, fps=30) == 60
    with rushes.open(tmp_path / "a.mp4", format="gray") as video:
        assert [code(frame) for frame in video] == list(range(60))
        assert video.shape == (60, HEIGHT, WIDTH) and video.fps == 30
        # A video is frames as well.
        assert rushes.write(tmp_path / "again.mkv", video, fps=video.fps, codec="ffv1") == 60
        assert numpy.array_equal(rushes.open(tmp_path / "again.mkv", format="gray")[:], video[:])
    assert names(tmp_path) == ["a.mp4", "again.mkv", "array.mkv", "each.mkv"]


def test_ffmpeg_reads_what_was_written(clips: Clips, tmp_path: Path) -> None:
    path = tmp_path / "a.mov"
    frames = [drawn(number) for number in range(40)]
    rushes.write(path, frames, fps=Fraction(30000, 1001), quality=90)
    theirs = decoded(path, "gray", (HEIGHT, WIDTH))
    assert [code(frame) for frame in theirs] == list(range(40))
    times = [float(frame["best_effort_timestamp_time"]) for frame in probed(path)["frames"]]
    assert numpy.allclose(times, numpy.arange(40) * 1001 / 30000, atol=1e-5)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_what_is_lossless_comes_back_exactly(clips: Clips, tmp_path: Path, dtype: str) -> None:
    array = noise((3, 24, 32), dtype)
    rushes.write(tmp_path / "a.mkv", array, fps=25, codec="ffv1")
    pixels = "gray" if dtype == "uint8" else "gray16le"
    assert numpy.array_equal(decoded(tmp_path / "a.mkv", pixels, (24, 32), dtype), array)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", {}),
        ("a.mp4", {"codec": "hevc"}),
        ("a.webm", {"codec": "vp9"}),
        ("a.mov", {"codec": "prores"}),
        ("a.avi", {"codec": "mjpeg", "quality": 95}),
        ("a.mkv", {"codec": "ffv1"}),
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
def test_colours_survive(tmp_path: Path, name: str, options: dict[str, Any], dtype: str) -> None:
    # Even colours, in blocks: nothing that is lost at edges counts.
    levels = numpy.array([[[200, 30, 30], [30, 200, 30]], [[30, 30, 200], [180, 180, 180]]])
    frame = numpy.kron(levels, numpy.ones((32, 32, 1)))
    most = {"uint8": 255, "uint16": 65535}.get(dtype, 1.0)
    frame = (frame / 255 * most).astype(dtype)
    try:
        assert rushes.write(tmp_path / name, [frame] * 3, fps=24, **options) == 3
    except rushes.Unsupported as error:
        pytest.skip(str(error))
    read = rushes.open(tmp_path / name, dtype="float32")[1]
    for y, x in itertools.product((16, 48), (16, 48)):
        assert numpy.abs(read[y, x] - frame[y, x] / most).max() < 0.04


def test_memory_stays_flat_and_quality_counts(tmp_path: Path) -> None:
    def frames() -> Iterator[NDArray[Any]]:
        for number in range(150):
            yield noise((90, 160, 3), "uint8") // 4 + numpy.uint8(number)

    tracemalloc.start()
    try:
        assert rushes.write(tmp_path / "low.mp4", frames(), fps=25, quality=10) == 150
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 20 * 90 * 160 * 3
    assert rushes.write(tmp_path / "high.mp4", frames(), fps=25, quality=90) == 150
    sizes = [(tmp_path / name).stat().st_size for name in ("low.mp4", "high.mp4")]
    assert sizes[0] * 2 < sizes[1]


def test_the_name_comes_at_the_end(tmp_path: Path) -> None:
    path, frame = tmp_path / "a.mp4", noise((64, 64, 3), "uint8")
    with rushes.open(path, "w", fps=25, codec="h264", quality=50) as writer:
        assert isinstance(writer, rushes.VideoWriter) and writer.path == str(path)
        for number in range(5):
            assert writer.frames == number
            writer.write(frame)
            assert not path.exists()
    assert names(tmp_path) == ["a.mp4"] and len(rushes.open(path)) == 5
    assert writer.frames == 5 and "5 frames" in repr(writer)
    writer.close()
    with pytest.raises(rushes.Invalid, match="closed"):
        writer.write(frame)
    before = path.read_bytes()
    with pytest.raises(rushes.Conflict):
        rushes.open(path, "w", fps=25, overwrite=False)
    # Not one frame is no video.
    with pytest.raises(rushes.Invalid, match="frame"), rushes.open(path, "w", fps=25):
        pass
    assert path.read_bytes() == before and names(tmp_path) == ["a.mp4"]
    assert rushes.write(path, [frame], fps=25) == 1 and len(rushes.open(path)) == 1
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask()


def umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    path, frame = tmp_path / "a.mp4", noise((64, 64, 3), "uint8")

    def some() -> Iterator[NDArray[Any]]:
        yield frame
        raise KeyError("the source")

    with pytest.raises(KeyError, match="the source"):
        rushes.write(path, some(), fps=25)
    assert not names(tmp_path)
    with pytest.raises(ZeroDivisionError), rushes.open(path, "w", fps=25) as writer:
        writer.write(frame)
        assert len(names(tmp_path)) == 1
        raise ZeroDivisionError
    assert not names(tmp_path)
    with pytest.raises(rushes.Invalid):
        writer.write(frame)
    # Forgotten, and forgotten at the end of the program.
    rushes.open(path, "w", fps=25).write(frame)
    gc.collect()
    assert not names(tmp_path)
    program = f"import rushes, numpy; w = rushes.open({str(path)!r}, 'w', fps=25)\n"
    program += "w.write(numpy.zeros((64, 64), 'uint8'))"
    subprocess.run([sys.executable, "-c", program], check=True)
    assert not names(tmp_path)


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    frame = noise((360, 640, 3), "uint8")
    ended = [
        interrupted(lambda: rushes.write(tmp_path / "a.mp4", itertools.repeat(frame), fps=25))
        for _ in range(3)
    ]
    print("ended", [f"{secs:.3f}" for secs in ended], "s after Ctrl-C")
    assert min(ended) < 0.5
    assert not names(tmp_path)


def test_another_kind_of_frame_is_refused(tmp_path: Path) -> None:
    path, frame = tmp_path / "a.mp4", noise((64, 64, 3), "uint8")
    with rushes.open(path, "w", fps=25) as writer:
        writer.write(frame)
        for other in (frame[:32], frame[:, :, 0], frame.astype("uint16"), frame[0], frame > 9):
            with pytest.raises(rushes.Invalid):
                writer.write(other)
        writer.write(frame)
    assert len(rushes.open(path)) == 2
    for wrong in (frame, frame[0], frame[None, None], numpy.zeros((3, 8, 8), "int64")):
        with pytest.raises(rushes.Invalid):
            rushes.write(tmp_path / "b.mp4", wrong, fps=25)
    with pytest.raises(TypeError):
        rushes.write(tmp_path / "b.mp4", 7, fps=25)  # type: ignore[arg-type]
    assert names(tmp_path) == ["a.mp4"]


@pytest.mark.parametrize(
    ("name", "options", "kind"),
    [
        ("a.mp4", {"fps": 0}, rushes.Invalid),
        ("a.mp4", {"fps": -1}, rushes.Invalid),
        ("a.mp4", {"fps": "fast"}, rushes.Invalid),
        ("a.mp4", {"fps": 1e9}, rushes.Invalid),
        ("a.mp4", {"fps": 1e-9}, rushes.Invalid),
        ("a.mp4", {"fps": 25, "quality": 101}, rushes.Invalid),
        ("a.mp4", {"fps": 25, "quality": -1}, rushes.Invalid),
        ("a.mp4", {"fps": 25, "codec": "ffv1"}, rushes.Invalid),
        ("a.mp4", {"fps": 25, "codec": "none"}, rushes.Invalid),
        ("a.txt", {"fps": 25}, rushes.Unsupported),
        ("a", {"fps": 25}, rushes.Unsupported),
        ("none/a.mp4", {"fps": 25}, rushes.NotFound),
        ("a.mp4", {}, rushes.Invalid),
        ("a.mp4", {"fps": 25, "size": (1, 1)}, TypeError),
    ],
    ids=str,
)
def test_what_cannot_be_opened_leaves_nothing(
    tmp_path: Path, name: str, options: dict[str, Any], kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        rushes.open(tmp_path / name, "w", **options)
    with pytest.raises(rushes.Invalid):
        rushes.open(tmp_path / name, "a", fps=25)  # type: ignore[call-overload]
    assert not names(tmp_path)


def test_rates_may_be_any_number(tmp_path: Path) -> None:
    frame = noise((64, 64), "uint8")
    for fps, wanted in ((12.5, Fraction(25, 2)), ("24000/1001", Fraction(24000, 1001)), (1, 1)):
        rushes.write(tmp_path / "a.mkv", [frame] * 4, fps=fps)
        video = rushes.open(tmp_path / "a.mkv")
        # Matroska has milliseconds.
        assert abs(float(video.times[3] - 3 / wanted)) < 0.001
        rushes.write(tmp_path / "a.mov", [frame] * 4, fps=fps)
        assert rushes.open(tmp_path / "a.mov").fps == wanted


def test_threads_take_turns(tmp_path: Path) -> None:
    path, frame = tmp_path / "a.mp4", noise((64, 64, 3), "uint8")
    with rushes.open(path, "w", fps=25) as writer:

        def some() -> None:
            for _ in range(25):
                writer.write(frame)

        threads = [threading.Thread(target=some) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert writer.frames == len(rushes.open(path)) == 100


def test_other_threads_run_meanwhile(tmp_path: Path) -> None:
    frames = [noise((720, 1280, 3), "uint8")] * 20
    ended = threading.Event()
    turns = 0

    def count() -> None:
        nonlocal turns
        while not ended.wait(0.002):
            turns += 1

    thread = threading.Thread(target=count)
    thread.start()
    began, before = time.monotonic(), turns
    rushes.write(tmp_path / "a.mp4", frames, fps=25)
    took_secs, counted = time.monotonic() - began, turns - before
    ended.set()
    thread.join()
    assert counted > took_secs * 20, f"{counted} turns in {took_secs} s"


def in_child(writer: rushes.VideoWriter, answer: Connection) -> None:
    try:
        writer.write(numpy.zeros((64, 64), "uint8"))
        answer.send("written")
    except rushes.Invalid as error:
        answer.send(str(error))
    del writer


def test_a_child_leaves_the_file_alone(tmp_path: Path) -> None:
    path, context = tmp_path / "a.mp4", multiprocessing.get_context("fork")
    with rushes.open(path, "w", fps=25) as writer:
        writer.write(numpy.zeros((64, 64), "uint8"))
        ours, theirs = context.Pipe()
        child = context.Process(target=in_child, args=(writer, theirs))
        child.start()
        assert ours.poll(PATIENCE_SECS) and "forked" in ours.recv()
        child.join(PATIENCE_SECS)
        assert child.exitcode == 0
        writer.write(numpy.zeros((64, 64), "uint8"))
    assert len(rushes.open(path)) == 2 and names(tmp_path) == ["a.mp4"]


def test_stills_get_their_names_together(tmp_path: Path) -> None:
    array = noise((4, 24, 32, 3), "uint16")
    path = tmp_path / "shot.%03d.png"
    with rushes.open(path, "w", start_number=9) as writer:
        for frame in array:
            writer.write(frame)
        assert writer.frames == 4 and not any(name.startswith("shot") for name in names(tmp_path))
    written = ["shot.009.png", "shot.010.png", "shot.011.png", "shot.012.png"]
    assert names(tmp_path) == written
    assert numpy.array_equal(rushes.open(tmp_path / "shot.###.png")[:], array)
    for number, frame in enumerate(array):
        theirs = decoded(tmp_path / written[number], "rgb48le", (24, 32, 3), "uint16")
        assert numpy.array_equal(theirs[0], frame)
    with pytest.raises(rushes.Conflict):
        rushes.write(path, array, overwrite=False)
    # Those before the first stay as they are.
    assert rushes.write(path, array[:1], start_number=13, overwrite=False) == 1
    assert rushes.write(path, array[1:2], start_number=9) == 1
    assert numpy.array_equal(rushes.imread(tmp_path / "shot.009.png"), array[1])
    assert names(tmp_path) == [*written, "shot.013.png"]
    with pytest.raises(RuntimeError), rushes.open(tmp_path / "b.%d.png", "w") as writer:
        writer.write(array[0])
        raise RuntimeError
    assert names(tmp_path) == [*written, "shot.013.png"]


def test_floats_in_stills_and_pages(tmp_path: Path) -> None:
    array = numpy.random.default_rng(7).random((3, 8, 9, 3), "float32")
    for name in ("a.%d.exr", "a.tif"):
        assert rushes.write(tmp_path / name, array) == 3
        assert numpy.array_equal(rushes.open(tmp_path / name)[:], array)
    with pytest.raises(rushes.Invalid, match="times"):
        rushes.write(tmp_path / "a.mp4", array)
    with pytest.raises(rushes.Unsupported, match="%04d"):
        rushes.write(tmp_path / "a.png", array, fps=25)
    with pytest.raises(rushes.Invalid, match="start_number"):
        rushes.write(tmp_path / "b.%d.png", array, start_number=-1)

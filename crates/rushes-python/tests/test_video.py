"""Frames of videos: that they are the right ones, however they are asked for."""

from __future__ import annotations

import inspect
import os
import pickle
import random
import shutil
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy
import pytest
from clips import BARCODED, FRAMES, HEIGHT, WIDTH, Clips, clips, code, decoded, probed, turn
from conftest import SAMPLES

import rushes

__all__ = ["clips"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, and no budget from outside."""
    monkeypatch.setenv("RUSHES_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RUSHES_MEMORY_BYTES", raising=False)
    return tmp_path / "home"


def plain(clips: Clips, **options: Any) -> rushes.Video:
    video: rushes.Video = rushes.open(clips["plain.mp4"], **{"format": "gray", **options})
    return video


@pytest.mark.parametrize("name", BARCODED)
def test_frames_are_those_that_ffmpeg_decodes(clips: Clips, name: str) -> None:
    """Invariant 8, by numbers that the frames carry."""
    theirs = [code(frame) for frame in decoded(clips[name], "gray", (HEIGHT, WIDTH))]
    with rushes.open(clips[name], format="gray") as video:
        ours = [code(frame) for frame in video]
        assert ours == theirs and None not in ours
        assert len(video) == len(ours) == len(theirs) > 50
        assert video.shape == (len(video), HEIGHT, WIDTH)
    if name not in ("variable.mp4", "edit.mp4"):
        assert ours == list(range(FRAMES))


@pytest.mark.parametrize("name", [*BARCODED, "turned.mp4"])
def test_at_random_and_in_order_are_the_same(clips: Clips, name: str) -> None:
    video = rushes.open(clips[name])
    every = list(video)
    assert all(frame.flags.c_contiguous and frame.flags.writeable for frame in every)
    order = list(range(len(video)))
    random.Random(name).shuffle(order)
    for i in order:
        assert numpy.array_equal(video[i], every[i]), i
    for i in (-1, -len(video)):
        assert numpy.array_equal(video[i], every[i])
    assert numpy.array_equal(video[order], numpy.stack([every[i] for i in order]))
    for i, frame in zip(order, video.frames(order), strict=True):
        assert numpy.array_equal(frame, every[i]), i


def test_slices_are_those_of_a_list(clips: Clips) -> None:
    video = plain(clips, size=(24, 12))
    every = list(video.frames())
    numbers = random.Random(3)

    def bound() -> int | None:
        return numbers.choice([None, numbers.randint(-2 * FRAMES, 2 * FRAMES)])

    lengths = set()
    for _ in range(200):
        cut = slice(bound(), bound(), numbers.choice([None, -40, -3, -1, 1, 2, 7, 60]))
        wanted = every[cut]
        got = video[cut]
        assert got.shape == (len(wanted), 12, 24) and got.dtype == numpy.uint8
        assert numpy.array_equal(got, numpy.array(wanted).reshape(got.shape)), cut
        lengths.add(len(wanted))
    assert 0 in lengths and len(lengths) > 30


def test_batches_by_numbers_and_masks(clips: Clips) -> None:
    video = plain(clips)
    every = video[:]
    for wanted in (
        [3, 1, 1], [70, -1, 0, 70, 69, 71, 149], [-150], range(9, 2, -3), (i for i in (4, 2)),
        numpy.array([5, 5, 140], "uint8"), numpy.array([-1, 7]), {8},
    ):  # fmt: skip
        listed = list(wanted)
        got = video[iter(listed)]
        assert numpy.array_equal(got, every[listed])
        assert not numpy.shares_memory(got[:1], got[1:])
    assert numpy.array_equal(video[numpy.array([5, 1])], every[[5, 1]])
    assert numpy.array_equal(video[numpy.int32(-2)], every[-2])
    mask = numpy.zeros(FRAMES, bool)
    mask[[7, 90]] = True
    assert numpy.array_equal(video[mask], every[[7, 90]])
    assert numpy.array_equal(video[mask.tolist()], every[[7, 90]])
    empty = video[[]]
    assert empty.shape == (0, HEIGHT, WIDTH) and video[~mask & mask].shape == empty.shape
    assert numpy.array_equal(numpy.asarray(video), every)


def test_frames_of_another_kind(clips: Clips) -> None:
    path = clips["turned.mp4"]
    video = rushes.open(path)
    for options in (
        {"format": "gray"}, {"format": "bgr24"}, {"format": "rgba", "dtype": "float32"},
        {"size": (30, 0)}, {"format": "gray", "size": (16, 20), "dtype": numpy.uint16},
    ):  # fmt: skip
        wanted = rushes.open(path, **options)
        got = list(video.frames([70, 3, -1], **options))
        assert [frame.dtype for frame in got] == [wanted.dtype] * 3
        for frame, number in zip(got, (70, 3, -1), strict=True):
            assert numpy.array_equal(frame, wanted[number]), options
            assert frame.flags.writeable and frame.flags.c_contiguous
        every = video.frames(fps=1, device="cpu", **options)
        assert all(map(numpy.array_equal, every, wanted.frames(fps=1)))
    assert video.format == "rgb24" and video[0].shape == (WIDTH, HEIGHT, 3)
    # What the video was opened with stays where nothing else is said.
    small = rushes.open(path, format="gray", size=(20, 40), upright=False, dtype="uint16")
    assert next(small.frames(format="rgb24")).shape == (40, 20, 3)
    assert next(small.frames(format="rgb24")).dtype == "uint16"
    assert next(small.frames(size=(0, 48))).shape == (48, 96)


def test_frames_of_another_kind_that_cannot_be(clips: Clips) -> None:
    video = plain(clips)
    for wrong in ({"format": "yuv"}, {"size": (0, 0)}, {"dtype": "int8"}, {"format": ""}):
        with pytest.raises(rushes.Invalid, match=next(iter(wrong))):
            video.frames(**wrong)
    for device in ("cuda", "cuda:0", 0):
        with pytest.raises(rushes.Unsupported, match="from_dlpack"):
            video.frames(device=device)
    frames = video.frames(format="rgb24")
    next(frames)
    video.close()
    for begin in (lambda: next(frames), lambda: video.frames(size=(8, 8))):
        with pytest.raises(rushes.Invalid, match="it is closed"):
            begin()


def test_pixels_are_made_square_where_it_is_asked_for(clips: Clips, tmp_path: Path) -> None:
    path = tmp_path / "wide.mp4"
    line = ["ffmpeg", "-v", "error", "-i", str(clips["plain.mp4"]), "-vf", "setsar=3/2"]
    subprocess.run([*line, "-frames:v", "5", "-c:v", "mpeg4", str(path)], check=True)
    video = rushes.open(path, square_pixels=True)
    assert video.shape == (5, HEIGHT, WIDTH * 3 // 2, 3) and video.sample_aspect == Fraction(3, 2)
    stored = rushes.open(path)
    assert stored.shape == (5, HEIGHT, WIDTH, 3)
    assert numpy.array_equal(next(stored.frames(square_pixels=True)), video[0])
    assert numpy.array_equal(next(video.frames(square_pixels=False)), stored[0])
    assert next(video.frames(format="gray")).shape == (HEIGHT, WIDTH * 3 // 2)
    for size, shape in (((144, 0), (48, 144)), ((0, 48), (48, 144)), ((50, 40), (40, 50))):
        assert rushes.open(path, size=size, square_pixels=True).shape[1:3] == shape
        assert next(stored.frames(size=size, square_pixels=True)).shape[:2] == shape
        assert next(video.frames(size=size)).shape[:2] == shape
    again = pickle.loads(pickle.dumps(video))
    assert numpy.array_equal(again[2], video[2])
    assert next(again.frames(size=(0, 48))).shape[:2] == (48, 144)
    turn(path)
    assert rushes.open(path).shape == (5, WIDTH, HEIGHT, 3)
    assert rushes.open(path, square_pixels=True).shape == (5, WIDTH, HEIGHT * 2 // 3, 3)
    lying = rushes.open(path, square_pixels=True, upright=False)
    assert lying.shape == (5, HEIGHT, WIDTH * 3 // 2, 3)
    assert plain(clips, square_pixels=True).shape == (FRAMES, HEIGHT, WIDTH)


def test_wrong_indexes(clips: Clips) -> None:
    video = plain(clips)
    beyond: list[Any] = [FRAMES, -FRAMES - 1, 10**30, [0, FRAMES], numpy.array([-FRAMES - 1])]
    for wrong in beyond:
        with pytest.raises(IndexError, match=f"the video has {FRAMES}, 0 to {FRAMES - 1}"):
            video[wrong]
    others: list[Any] = [[1.5], numpy.zeros(3, bool), numpy.zeros((2, 2), int), ["a"]]
    for wrong in others:
        with pytest.raises(IndexError):
            video[wrong]
    wrongs: list[Any] = [1.5, "1", None, (1, 2), True]
    for strange in wrongs:
        with pytest.raises(TypeError):
            video[strange]
    assert code(video[3]) == 3


def test_pixels_are_those_of_ffmpeg(clips: Clips) -> None:
    """Within 2 of 255, and 0.5 on average, where chroma is not scaled (4:4:4)."""
    path = clips["colours.mkv"]
    theirs = decoded(path, "rgb24", (HEIGHT, WIDTH, 3)).astype(int)
    video = rushes.open(path, dtype="uint8")
    difference = numpy.abs(video[:].astype(int) - theirs)
    print("rgb24 differs from ffmpeg's by at most", difference.max(), "mean", difference.mean())
    assert theirs.shape == (25, HEIGHT, WIDTH, 3) and theirs.std() > 60
    assert difference.max() <= 2 and difference.mean() < 0.5

    # Of subsampled chroma (4:2:0) the average is within 0.6 and 99 of 100 numbers are within 3:
    # another way to spread it shows at the edges of colours.
    usual = SAMPLES / "Coast" / "a-day-on-the-coast.mp4"
    ours420 = rushes.open(usual)[:10]
    theirs420 = decoded(usual, "rgb24", (720, 1280, 3), most=10).astype(int)
    difference = numpy.abs(ours420.astype(int) - theirs420)
    print("of 4:2:0, mean", difference.mean(), "99 of 100 within", numpy.quantile(difference, 0.99))
    assert difference.mean() < 0.6 and numpy.quantile(difference, 0.99) <= 3

    deep = rushes.open(path)
    assert deep.dtype == numpy.uint16 and deep[0].dtype == numpy.uint16
    theirs16 = decoded(path, "rgb48le", (HEIGHT, WIDTH, 3), "uint16").astype(int)
    difference = numpy.abs(deep[:].astype(int) - theirs16)
    print("of 16 bits by at most", difference.max(), "mean", difference.mean())
    assert difference.mean() < 128 and numpy.quantile(difference, 0.99) < 2 * 257

    floats = rushes.open(path, dtype=numpy.float32)[4]
    assert floats.dtype == numpy.float32 and 0.9 < floats.max() < 1.1
    assert numpy.abs(floats * 255 - theirs[4]).mean() < 0.5
    rgba = rushes.open(path, format="rgba", dtype="uint8")[4]
    assert numpy.array_equal(rgba[..., :3], video[4]) and (rgba[..., 3] == 255).all()
    for dtype in ("uint8", "uint16", "float32"):
        bgr = rushes.open(path, format="bgr24", dtype=dtype)
        rgb = rushes.open(path, dtype=dtype)
        assert numpy.array_equal(bgr[4][..., ::-1], rgb[4])
        assert numpy.array_equal(bgr[[4, 2, 4]][..., ::-1], rgb[[4, 2, 4]])


def test_frames_are_upright_unless_they_are_not_to_be(clips: Clips) -> None:
    upright = rushes.open(clips["turned.mp4"], format="gray")
    stored = rushes.open(clips["turned.mp4"], format="gray", upright=False)
    assert upright.rotation == stored.rotation == 90 and not upright.mirrored
    assert upright.shape == (FRAMES, WIDTH, HEIGHT) and stored.shape == (FRAMES, HEIGHT, WIDTH)
    assert code(stored[77]) == 77
    assert numpy.array_equal(upright[77], numpy.rot90(stored[77], -1))


def test_sizes(clips: Clips) -> None:
    assert plain(clips, size=(96, 0)).shape == (FRAMES, 48, 96)
    assert plain(clips, size=(0, 24), format="rgba").shape == (FRAMES, 24, 48, 4)
    small = plain(clips, size=(96, 48))[50]
    large = plain(clips)[50].reshape(48, 2, 96, 2).mean(axis=(1, 3))
    assert numpy.abs(small - large).mean() < 4


@pytest.mark.parametrize("name", BARCODED)
def test_times_are_those_of_ffprobe(clips: Clips, name: str) -> None:
    said = probed(clips[name])
    start = float(said["format"]["start_time"])
    theirs = [float(frame["best_effort_timestamp_time"]) - start for frame in said["frames"]]
    video = rushes.open(clips[name], format="gray")
    ours = numpy.asarray(video.times)
    assert ours.dtype == numpy.float64 and ours.shape == (len(video),)
    # ffprobe prints six digits.
    assert numpy.allclose(ours, theirs, rtol=0, atol=3e-6)
    assert [float(time) for time in video.times] == ours.tolist()
    for i in range(len(video)):
        # Exactly then, as a fraction and as a float, and just before.
        assert video.index_at(video.times[i]) == i
        assert video.index_at(float(video.times[i])) == video.index_at(ours[i]) == i
        if i:
            assert video.index_at(video.times[i] - Fraction(1, 10**9)) == i - 1
    keys = [i for i, frame in enumerate(said["frames"]) if frame["key_frame"]]
    assert video.keyframes.dtype == numpy.int64
    if name != "edit.mp4":
        assert video.keyframes.tolist() == keys


def test_rates_and_durations_are_exact(clips: Clips) -> None:
    video = plain(clips)
    assert video.fps == 30 and video.duration == 5 and video.times[7] == Fraction(7, 30)
    assert video.times[2:4] == [Fraction(2, 30), Fraction(3, 30)] and video.times[-1] < 5
    assert video.sample_aspect == 1 and video.warnings == [] and video.rotation == 0
    assert isinstance(video.fps, Fraction) and isinstance(video.sample_aspect, Fraction)
    upright = rushes.open(SAMPLES / "Coast" / "held-upright.mov")
    assert upright.fps == Fraction(30000, 1001) and upright.duration == Fraction(1001, 250)
    late = rushes.open(clips["late.mp4"], format="gray")
    assert Fraction(4, 10) < late.times[0] < Fraction(6, 10) and late.fps == 30
    assert late.index_at(0) == 0


def test_the_frame_at_a_time(clips: Clips) -> None:
    video = plain(clips)
    for time, number in (
        (2.5, 75), (0.3, 9), (Fraction(299, 1000), 8), (Decimal("0.3"), 9), ("0:00:02.5", 75),
        ("00:02.5", 75), ("2.5", 75), (0, 0), (5, 149), (5.0, 149), (numpy.float32(2.5), 75),
        (numpy.int64(1), 30), ("0:04", 120), (float(video.duration), 149),
        (Fraction(10**40 + 1, 10**40), 30),
    ):  # fmt: skip
        assert video.index_at(time) == number, time
        assert code(video.at(time)) == number
    for wrong in (-1, 5.1, "0:0:75", "1:2:3:4", "two", "", float("nan"), float("inf"), "0:-1"):
        with pytest.raises(rushes.Invalid):
            video.at(wrong)


def test_frames_at_a_rate(clips: Clips) -> None:
    video = rushes.open(clips["variable.mp4"], format="gray")
    times = numpy.asarray(video.times)
    for fps in (7, 30, 60, Fraction(24000, 1001), "24000/1001", 29.97):
        rate = Fraction(str(fps))
        got = [code(frame) for frame in video.frames(fps=fps)]
        count = -(-video.duration * rate // 1)
        # The last frame whose time is not later; the sum of a hair covers the floats.
        places = [numpy.flatnonzero(times <= float(k / rate) + 1e-9)[-1] for k in range(count)]
        assert got == [code(video[place]) for place in places]
    assert list(plain(clips).frames(fps="30/1"))[-1].shape == (HEIGHT, WIDTH)
    one, other = list(plain(clips).frames(fps=60))[:2]
    assert numpy.array_equal(one, other) and not numpy.shares_memory(one, other)
    for wrong in (0, -1, "x", float("nan")):
        with pytest.raises(rushes.Invalid):
            video.frames(fps=wrong)
    with pytest.raises(rushes.Invalid):
        video.frames([1], fps=3)
    with pytest.raises(IndexError):
        video.frames([1000])


def test_going_through_takes_flat_memory(clips: Clips) -> None:
    video = rushes.open(clips["plain.mp4"], dtype="float32")
    frame_bytes = video[0].nbytes
    tracemalloc.start()
    for count, frame in enumerate(video, 1):
        del frame
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == FRAMES and frame_bytes < peak_bytes < 3 * frame_bytes


def test_too_much_memory_is_refused_before_it_is_taken(
    clips: Clips, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = plain(clips)
    whole_bytes = FRAMES * WIDTH * HEIGHT
    monkeypatch.setattr(rushes, "memory_budget_bytes", whole_bytes, raising=False)
    assert video[:].nbytes == whole_bytes
    monkeypatch.setattr(rushes, "memory_budget_bytes", whole_bytes - 1)
    with pytest.raises(rushes.NotEnoughMemory) as caught:
        video[:]
    error = caught.value
    assert isinstance(error, MemoryError) and isinstance(error, rushes.LimitExceeded)
    assert str(whole_bytes) in error.why and str(whole_bytes - 1) in error.why
    assert "150 frames of 96x192" in error.why and "frames()" in str(error)
    assert sum(1 for _ in video.frames()) == FRAMES
    monkeypatch.undo()

    assert rushes.memory_budget_bytes > 1 << 20
    assert "memory_budget_bytes" not in vars(rushes)
    monkeypatch.setenv("RUSHES_MEMORY_BYTES", "100000")
    assert rushes.memory_budget_bytes == 100_000
    assert video[:5].shape[0] == 5
    with pytest.raises(rushes.NotEnoughMemory):
        video[:6]
    for wrong in ("1 GB", "-5"):
        monkeypatch.setenv("RUSHES_MEMORY_BYTES", wrong)
        with pytest.raises(rushes.Invalid, match="RUSHES_MEMORY_BYTES"):
            video[:6]
    monkeypatch.delenv("RUSHES_MEMORY_BYTES")
    # More than any machine has, and no array of it was made.
    large = rushes.open(clips["plain.mp4"], size=(8000, 4000), dtype="float32")
    with pytest.raises(rushes.NotEnoughMemory, match="TiB"):
        large[[0] * 20_000]


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        rushes.open(tmp_path / "no such.mp4")
    assert isinstance(missing.value, rushes.NotFound) and "no such.mp4" in str(missing.value)
    for name in ("Studio/sweep.flac", "Coast/a-day-on-the-coast.srt"):
        with pytest.raises(rushes.Unsupported, match=Path(name).name):
            rushes.open(SAMPLES / name)
    with pytest.raises(rushes.NotFound, match="no still"):
        rushes.open(tmp_path)
    data = (SAMPLES / "Coast" / "held-upright.mov").read_bytes()
    (tmp_path / "cut.mov").write_bytes(data[:2000])
    (tmp_path / "none.mp4").touch()
    for name in ("cut.mov", "none.mp4"):
        with pytest.raises(rushes.Error, match=name):
            rushes.open(tmp_path / name)
    good = SAMPLES / "Coast" / "held-upright.mov"
    wrongs: list[dict[str, Any]] = [
        {"format": "yuv"}, {"dtype": "int8"}, {"dtype": complex}, {"dtype": object()},
        {"size": (0, 0)}, {"size": (-1, 5)}, {"size": 5}, {"size": (1, 2, 3)}, {"threads": -1},
    ]  # fmt: skip
    for wrong in wrongs:
        with pytest.raises(rushes.Invalid):
            rushes.open(good, **wrong)
    with pytest.raises(rushes.Invalid, match="times of its own"):
        rushes.open(good, fps=25)
    with pytest.raises(rushes.LimitExceeded):
        rushes.open(good, size=(60000, 60000))


def test_damage_is_told_and_the_rest_can_be_read(clips: Clips, tmp_path: Path) -> None:
    data = clips["open.mkv"].read_bytes()
    path = tmp_path / "cut.mkv"
    path.write_bytes(data[: len(data) * 2 // 3])
    whole, cut = plain(clips), rushes.open(path, format="gray")
    assert 60 < len(cut) < FRAMES
    numbers = []
    for i in range(len(cut)):
        try:
            numbers.append(code(cut[i]))
        except rushes.CorruptMedia:
            assert i > 60
    assert numbers[:60] == list(range(60)) == [code(frame) for frame in whole[:60]]


def test_paths_of_any_kind(clips: Clips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = os.fsdecode(b"caf\xe9 \xff.mp4")
    shutil.copy(clips["plain.mp4"], tmp_path / name)
    for path in (tmp_path / name, str(tmp_path / name), (tmp_path / name).as_uri()):
        assert len(rushes.open(path)) == FRAMES
    monkeypatch.chdir(tmp_path)
    video = rushes.open(name)
    assert video.path == str(tmp_path / name)
    # Where it is read does not depend on the working directory, nor on its name.
    monkeypatch.chdir("/")
    os.rename(tmp_path / name, tmp_path / "renamed.mp4")
    assert video[3].shape == (HEIGHT, WIDTH, 3)


def test_closing_and_pickling(clips: Clips) -> None:
    options: dict[str, Any] = {"format": "bgr24", "size": (64, 32), "dtype": "float32"}
    with rushes.open(clips["plain.mp4"], **options, upright=False, threads=1) as video:
        again = pickle.loads(pickle.dumps(video))
        assert again.shape == video.shape and again.dtype == video.dtype == numpy.float32
        assert numpy.array_equal(again[9], video[9]) and again.format == "bgr24"
        assert repr(video).endswith(
            "plain.mp4': 150 frames of 64x32 bgr24 float32, 30 a second, 5 s>"
        )
        frames = video.frames()
        next(frames)
    video.close()
    assert repr(video).endswith("plain.mp4', closed>") and len(video) == FRAMES
    reads: list[Callable[[], object]] = [
        lambda: video[0], lambda: video[:2], lambda: next(frames), lambda: video.at(1),
    ]  # fmt: skip
    for read in reads:
        with pytest.raises(rushes.Invalid, match="closed"):
            read()
    assert len(again) == FRAMES and again[149].shape == (32, 64, 3)


def kept(home: Path) -> list[Path]:
    return sorted((home / "frame-indexes").glob("*")) if home.exists() else []


def test_an_index_that_took_long_is_kept(clips: Clips, home: Path, tmp_path: Path) -> None:
    plain(clips)
    assert kept(home) == [], "a quick one is not worth a file"
    path = tmp_path / "beside" / "long.mp4"
    path.parent.mkdir()
    shutil.copy(clips["long.mp4"], path)
    first = rushes.open(path, format="gray", size=(32, 18))
    (index,) = kept(home)
    assert index.suffix == ".index" and index.stat().st_mode & 0o777 == 0o600
    assert os.listdir(path.parent) == ["long.mp4"]
    written = index.stat().st_ino

    second = rushes.open(path, format="gray", size=(32, 18))
    assert list(second.times) == list(first.times) and len(second) == 900
    assert numpy.array_equal(second[[700, 5]], first[[700, 5]])
    # Its time says when it was used last; a new one would be another file.
    assert index.stat().st_ino == written, "it was made again"

    good = index.read_bytes()
    other = rushes.open(clips["colours.mkv"])
    assert len(other) == 25
    for wrong in (b"", good[:40], good[:-1], good[:-9] + bytes(9), b"\0" * 100_000, good[:32]):
        index.write_bytes(wrong)
        assert list(rushes.open(path).times) == list(first.times)
        assert index.read_bytes() == good, "made again, and kept"
    # The same size, head, middle and tail, yet another file by its date.
    os.utime(path, ns=(0, 1234567890))
    assert len(rushes.open(path)) == 900 and index.read_bytes() != good


def test_a_home_that_cannot_be_written_is_no_matter(
    clips: Clips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RUSHES_HOME", str(tmp_path / "file" / "home"))
    assert len(rushes.open(clips["long.mp4"])) == 900


def test_importing_does_not_wait_for_numpy() -> None:
    look = "import sys, rushes; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_other_libraries_take_the_arrays(clips: Clips) -> None:
    """As `torch.from_dlpack` does."""
    frame = plain(clips)[7]
    shared = numpy.from_dlpack(frame)
    assert numpy.shares_memory(shared, frame) and shared.shape == (HEIGHT, WIDTH)
    view = plain(clips)[:2].data
    assert view.c_contiguous and view.shape == (2, HEIGHT, WIDTH) and view.format == "B"


def test_the_help_tells_shapes_and_units() -> None:
    text = inspect.getdoc(rushes.Video) or ""
    assert all(word in text for word in ("[T, H, W, C]", "video.at(", "a second", "[H, W]"))
    for name, member in vars(rushes.Video).items():
        if not name.startswith("_") and not inspect.ismemberdescriptor(member):
            assert inspect.getdoc(member), name
    for word in (
        "format:",
        "size:",
        "dtype:",
        "upright:",
        "threads:",
        "path:",
        "fps:",
        "in pixels",
    ):
        assert word in (rushes.open.__doc__ or ""), word


def test_planes_are_those_that_ffmpeg_decodes(clips: Clips) -> None:
    """Three formats whose planes ffmpeg writes one after another."""
    for name, pixels, dtype, chroma in [
        ("plain.mp4", "yuv420p", "uint8", (HEIGHT // 2, WIDTH // 2)),
        ("colours.mkv", "yuv444p10le", "uint16", (HEIGHT, WIDTH)),
        ("turned.mp4", "yuv420p", "uint8", (HEIGHT // 2, WIDTH // 2)),
    ]:
        # How frames are asked for does not matter.
        with rushes.open(clips[name], format="gray", size=(24, 12)) as video:
            planes = video.planes(-1)
            size = HEIGHT * WIDTH + 2 * chroma[0] * chroma[1]
            theirs = decoded(clips[name], pixels, (size,), dtype)[-1]
            assert planes.format == pixels and list(planes) == ["y", "u", "v"] and len(planes) == 3
            assert (
                planes.y.shape == (HEIGHT, WIDTH) and planes.u.shape == planes["v"].shape == chroma
            )
            assert all(plane.dtype == dtype for plane in planes.values())
            ours = numpy.concatenate([plane.ravel() for plane in planes.values()])
            assert numpy.array_equal(ours, theirs), name
            assert planes.rotation == video.rotation and planes.mirrored is video.mirrored
            planes.y[0, 0] = 7
            assert planes.y[0, 0] == 7 and f"u {chroma[1]}x{chroma[0]}" in repr(planes)
            with pytest.raises(AttributeError, match="only y, u, v"):
                _ = planes.r
            with pytest.raises(IndexError):
                video.planes(len(video))
    planes = rushes.open(clips["colours.mkv"]).planes(0)
    assert planes.bit_depths == {"y": 10, "u": 10, "v": 10} and planes.subsampling == (1, 1)
    assert (planes.range, planes.matrix) == ("tv", "bt709")
    assert 64 <= planes.y.min() and planes.y.max() <= 940

"""What is written here, read back by programs that are not ours: Pillow, OpenCV, soundfile, zarr."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
from numpy.typing import NDArray

import rushes

# As they are installed for the tests: all there or none.
pillow: Any = pytest.importorskip("PIL.Image")
cv2: Any = pytest.importorskip("cv2")
soundfile: Any = pytest.importorskip("soundfile")
zarr: Any = pytest.importorskip("zarr")

# Large enough for every encoder.
COUNT, ROWS, COLUMNS = 12, 64, 80
RATE_HZ = 48000


def picture(number: int = 0) -> NDArray[numpy.uint8]:
    """Slow waves of three colours, which lossy codecs keep well; they move."""
    y, x = numpy.mgrid[0:ROWS, 0:COLUMNS]
    waves = [numpy.sin(x / 9 + number / 3), numpy.cos(y / 8 - number / 4), numpy.sin((x + y) / 15)]
    return numpy.asarray(numpy.rint(numpy.dstack(waves) * 90 + 128), "uint8")


FRAMES = numpy.stack([picture(number) for number in range(COUNT)])


def known(write: Callable[[Path], object], folder: Path) -> set[str]:
    """Every extension that a writer takes, by what it says of one that it does not."""
    with pytest.raises(rushes.Unsupported) as caught:
        write(folder / "a.xyz")
    listed = re.findall(r"[a-z0-9]+", (caught.value.remedy or "").partition("one of")[2])
    assert len(listed) > 5
    return set(listed)


def by_pillow(path: Path) -> NDArray[Any]:
    with pillow.open(path) as image:
        return numpy.asarray(image.convert("RGB"))


def by_opencv(path: Path) -> NDArray[Any]:
    read = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert read is not None, path
    return numpy.asarray(read[:, :, 2::-1])


def off(read: NDArray[Any], wanted: NDArray[Any]) -> float:
    """How far they are apart on average."""
    assert read.shape == wanted.shape
    return float(abs(read.astype(float) - wanted).mean())


# By whom each is read, and by how much it may be off on average, of 255.
STILLS: dict[str, tuple[Any, float]] = {
    "png": (by_pillow, 0), "tif": (by_pillow, 0), "tiff": (by_opencv, 0), "bmp": (by_pillow, 0),
    "tga": (by_pillow, 0), "qoi": (by_pillow, 0), "ppm": (by_pillow, 0), "webp": (by_pillow, 0),
    "pnm": (by_opencv, 0), "pgm": (by_pillow, 0),
    "jpg": (by_pillow, 2), "jpeg": (by_opencv, 2), "avif": (by_pillow, 2), "hdr": (None, 0.01),
}  # fmt: skip
# Nobody here reads these; the tests of the codecs have ffmpeg for that.
STILLS_READ_ELSEWHERE = {"dpx", "exr"}


@pytest.mark.parametrize("name", STILLS)
def test_stills(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{name}"
    read, most = STILLS[name]
    if read is None:
        # Linear light, and floats.
        light = FRAMES[0] / numpy.float32(200)
        rushes.imwrite(path, light)
        assert off(by_opencv(path), light) < most
        return
    rushes.imwrite(path, FRAMES[0])
    assert off(read(path), FRAMES[0]) <= most


def test_every_kind_of_still_is_among_them(tmp_path: Path) -> None:
    listed = known(lambda path: rushes.imwrite(path, FRAMES[0]), tmp_path)
    assert listed - STILLS_READ_ELSEWHERE == set(STILLS), listed


@pytest.mark.parametrize("name", ["png", "tif"])
def test_deep_stills(name: str, tmp_path: Path) -> None:
    deep = numpy.random.default_rng(3).integers(0, 65536, (9, 7, 3), "uint16")
    rushes.imwrite(tmp_path / f"a.{name}", deep)
    assert (by_opencv(tmp_path / f"a.{name}") == deep).all()
    clear = numpy.random.default_rng(4).integers(0, 256, (9, 7, 4), "uint8")
    rushes.imwrite(tmp_path / f"b.{name}", clear)
    with pillow.open(tmp_path / f"b.{name}") as image:
        assert image.mode == "RGBA" and (numpy.asarray(image) == clear).all()
    floats = numpy.random.default_rng(5).random((9, 7, 3), "float32")
    if name == "tif":
        rushes.imwrite(tmp_path / "c.tif", floats)
        assert (by_opencv(tmp_path / "c.tif") == floats).all()


# How far frames may be off on average: most have a quarter of the colours.
VIDEOS = {
    "mp4": 5, "m4v": 5, "mov": 5, "qt": 5, "mkv": 5, "webm": 5, "avi": 3, "mxf": 3, "ogv": 5,
    "ogg": 5, "y4m": 1,
}  # fmt: skip


@pytest.mark.parametrize("name", VIDEOS)
def test_videos(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{name}"
    assert rushes.write(path, FRAMES, fps=25) == COUNT
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    assert capture.isOpened() and capture.get(cv2.CAP_PROP_FPS) == pytest.approx(25)
    read = []
    while (frame := capture.read())[0]:
        read.append(frame[1][:, :, ::-1])
    capture.release()
    assert off(numpy.stack(read), FRAMES) <= VIDEOS[name]


# Whether nothing is lost.
ANIMATIONS = {"gif": False, "apng": True, "webp": False, "avif": False, "tif": True, "tiff": True}


@pytest.mark.parametrize("name", ANIMATIONS)
def test_animations_and_pages(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{name}"
    rushes.write(path, FRAMES, fps=10)
    with pillow.open(path) as image:
        assert image.n_frames == COUNT
        for number in range(COUNT):
            image.seek(number)
            image.load()
            if name not in ("tif", "tiff"):
                assert image.info["duration"] == pytest.approx(100), number
            far = off(numpy.asarray(image.convert("RGB")), FRAMES[number])
            # A GIF has 256 colours at once.
            assert far == 0 if ANIMATIONS[name] else far < 10, (number, far)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_zarr(dtype: str, tmp_path: Path) -> None:
    frames = FRAMES if dtype == "uint8" else (FRAMES / 255 * (65535 if dtype == "uint16" else 1))
    frames = frames.astype(dtype)
    rushes.write(tmp_path / "a.zarr", frames, fps=25)
    array = zarr.open(tmp_path / "a.zarr", mode="r")
    assert array.dtype == dtype and array.chunks[0] == 1
    assert (array[:] == frames).all() and (array[3:7, ::2, 5] == frames[3:7, ::2, 5]).all()


def test_every_kind_of_video_is_among_them(tmp_path: Path) -> None:
    listed = known(lambda path: rushes.write(path, FRAMES, fps=25), tmp_path)
    assert listed == {*VIDEOS, *ANIMATIONS, "zarr"}, listed


# The codec, and how far samples may be off on average; None where nothing is lost.
SOUNDS: dict[str, tuple[str | None, float]] = {
    "wav": ("pcm_f32le", 0), "aiff": (None, 1 / 32768), "flac": (None, 1 / (1 << 23)),
    "ogg": (None, 0.02), "opus": (None, 0.02), "mp3": (None, 0.02),
}  # fmt: skip
# soundfile reads no AAC and no Matroska; OpenCV has the sound of neither.
SOUNDS_READ_ELSEWHERE = {"aac", "m4a", "mka"}
SAME = {"aif": "aiff", "wave": "wav", "oga": "ogg"}


@pytest.mark.parametrize("name", SOUNDS)
def test_sounds(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{name}"
    codec, most = SOUNDS[name]
    time = numpy.arange(RATE_HZ) / RATE_HZ
    waves = [numpy.sin(time * 2 * numpy.pi * pitch) for pitch in (440, 1000)]
    samples = (numpy.stack(waves, 1) * 0.5).astype("float32")
    rushes.awrite(path, samples, RATE_HZ, codec=codec)
    read, rate = soundfile.read(path, dtype="float32", always_2d=True)
    assert rate == RATE_HZ and read.shape[1] == 2
    # Codecs with loss round off the start and the end; MP3 adds there as well.
    assert len(read) == len(samples) if most < 0.01 else abs(len(read) - len(samples)) < 3000
    if most < 0.01:
        assert off(read, samples) <= most
        return
    # Whatever its delay: pitch and strength.
    for channel, pitch in enumerate((440, 1000)):
        middle = read[8000:40000, channel]
        strength = abs(numpy.fft.rfft(middle * numpy.hanning(len(middle))))
        assert strength.argmax() * RATE_HZ / len(middle) == pytest.approx(pitch, abs=2)
        assert middle.std() == pytest.approx(0.5 / 2**0.5, rel=0.05)


def test_every_kind_of_sound_is_among_them(tmp_path: Path) -> None:
    silence = numpy.zeros(2000, "float32")
    listed = known(lambda path: rushes.awrite(path, silence, RATE_HZ), tmp_path)
    assert {SAME.get(it, it) for it in listed} - SOUNDS_READ_ELSEWHERE == set(SOUNDS), listed

"""Stills as arrays: read, turned upright, and written."""

from __future__ import annotations

import io
import os
import stat
import struct
import subprocess
import zlib
from pathlib import Path
from typing import Any

import numpy
import pytest
from clips import Clips, clips
from conftest import SAMPLES
from numpy.typing import NDArray

import rushes

__all__ = ["clips"]

LAYOUTS: list[tuple[int, ...]] = [(7, 5), (7, 5, 3), (7, 5, 4)]
# Turn in degrees clockwise, then mirrored left to right: EXIF orientations 1 to 8.
TURNS = [(0, 0), (0, 1), (180, 0), (180, 1), (90, 1), (90, 0), (270, 1), (270, 0)]


@pytest.fixture(autouse=True)
def no_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUSHES_MEMORY_BYTES", raising=False)


def noise(shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    numbers = numpy.random.default_rng(7)
    if dtype.startswith("float"):
        return numbers.uniform(-0.5, 2.0, shape).astype(dtype)
    return numbers.integers(0, numpy.iinfo(dtype).max, shape, dtype, endpoint=True)


def ffmpeg(path: Path, pixels: str, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    """What ffmpeg decodes."""
    line = ["ffmpeg", "-v", "error", "-nostdin", "-noautorotate", "-i", str(path)]
    line += ["-sws_flags", "bicubic+accurate_rnd+full_chroma_int"]
    line += ["-pix_fmt", pixels, "-f", "rawvideo", "-"]
    done = subprocess.run(line, stdout=subprocess.PIPE, check=True)
    return numpy.frombuffer(done.stdout, dtype).reshape(shape)


@pytest.mark.parametrize("shape", LAYOUTS, ids=str)
@pytest.mark.parametrize(
    ("extension", "dtype"),
    [("png", "uint8"), ("png", "uint16"), *(("tif", it) for it in ("uint8", "uint16", "float32"))],
)
def test_what_is_written_is_what_is_read(
    tmp_path: Path, extension: str, dtype: str, shape: tuple[int, ...]
) -> None:
    array = noise(shape, dtype)
    path = tmp_path / f"a.{extension}"
    rushes.imwrite(path, array)
    again = rushes.imread(path)
    if dtype == "float32" and len(shape) == 2:
        array = numpy.repeat(array[:, :, None], 3, axis=2)
    assert again.dtype == dtype and again.shape == array.shape
    assert numpy.array_equal(again, array)
    assert again.flags.c_contiguous and again.flags.writeable and again.flags.aligned
    assert not numpy.shares_memory(again, rushes.imread(path))


@pytest.mark.parametrize("extension", ["jpg", "png"])
@pytest.mark.parametrize("shape", [(900, 640), (640, 900, 3)], ids=str)
def test_a_picture_is_made_to_fit(tmp_path: Path, extension: str, shape: tuple[int, ...]) -> None:
    across, down = numpy.meshgrid(numpy.arange(shape[1]), numpy.arange(shape[0]))
    array = ((across + down) * 255 // (shape[0] + shape[1])).astype("uint8")
    if len(shape) == 3:
        array = numpy.stack([array, 255 - array, array // 2], axis=2)
    path = tmp_path / f"a.{extension}"
    rushes.imwrite(path, array, quality=None if extension == "png" else 95)
    whole = rushes.imread(path)
    for fit_px, divided_by in ((900, 1), (1000, 1), (300, 3), (225, 4), (90, 10)):
        small = rushes.imread(path, fit_px=fit_px)
        assert max(small.shape[:2]) == 900 // divided_by
        # Means of blocks, as the doc says; a JPEG is scaled before its last rounding.
        size = (shape[0] // divided_by, divided_by, shape[1] // divided_by, divided_by)
        blocks = whole[: size[0] * divided_by, : size[2] * divided_by]
        means = blocks.reshape(*size, *shape[2:]).mean(axis=(1, 3))
        if 640 % divided_by == 0:
            assert numpy.abs(means - small).max() <= (1.0 if extension == "png" else 3.0)
    assert rushes.imread(path, fit_px=1).shape == (1, 1, *shape[2:])
    for wrong in (0, -1, 1.5, "many"):
        with pytest.raises((rushes.Invalid, TypeError)):
            rushes.imread(path, fit_px=wrong)  # type: ignore[arg-type]


def test_a_picture_is_made_to_fit_upright(tmp_path: Path) -> None:
    turned = SAMPLES / "Coast" / "moonrise.jpg"
    assert rushes.imread(turned).shape != rushes.imread(turned, upright=False).shape
    whole = rushes.imread(turned)
    small = rushes.imread(turned, fit_px=64)
    assert max(small.shape[:2]) == 64
    assert (small.shape[0] > small.shape[1]) == (whole.shape[0] > whole.shape[1])


def test_every_format_is_written_and_read(tmp_path: Path) -> None:
    array = noise((7, 5, 3), "uint8")
    exact = ["png", "tif", "tiff", "webp", "bmp", "tga", "qoi", "ppm"]
    for extension in exact:
        rushes.imwrite(tmp_path / f"a.{extension}", array)
        assert numpy.array_equal(rushes.imread(tmp_path / f"a.{extension}"), array), extension
    floats = numpy.abs(noise((7, 5, 3), "float32"))
    rushes.imwrite(tmp_path / "a.exr", floats)
    assert numpy.array_equal(rushes.imread(tmp_path / "a.exr"), floats)
    rushes.imwrite(tmp_path / "a.hdr", floats)
    assert numpy.allclose(rushes.imread(tmp_path / "a.hdr"), floats, rtol=0.01, atol=0.01)
    # Smooth, so that what JPEG loses is little.
    ramp = numpy.linspace(0, 255, 64 * 64).reshape(64, 64).astype("uint8")
    rushes.imwrite(tmp_path / "a.JPG", ramp)
    again = rushes.imread(tmp_path / "a.JPG")
    assert again.shape == (64, 64) and numpy.abs(again.astype(int) - ramp).max() <= 4
    rushes.imwrite(tmp_path / "small.jpg", array, quality=1)
    rushes.imwrite(tmp_path / "large.jpg", array, quality=100)
    assert (tmp_path / "small.jpg").stat().st_size < (tmp_path / "large.jpg").stat().st_size


def test_any_array_of_these_numbers_will_do(tmp_path: Path) -> None:
    path, array = tmp_path / "a.tif", noise((8, 6, 3), "uint16")
    for other in (array.astype(">u2"), array[::-1, ::2, ::-1], numpy.asfortranarray(array)):
        rushes.imwrite(path, other)
        assert numpy.array_equal(rushes.imread(path), other)
    read_only = array.copy()
    read_only.flags.writeable = False
    rushes.imwrite(os.fsencode(path), read_only)
    assert numpy.array_equal(rushes.imread(str(path)), array)
    doubles = noise((4, 4, 3), "float64")
    rushes.imwrite(path, doubles)
    assert numpy.array_equal(rushes.imread(path), doubles.astype("float32"))
    # Floats where there is no room for them: 0 to 1 over the 16 bits.
    rushes.imwrite(tmp_path / "a.png", numpy.array([[0.0, 0.5, 1.0, 2.0]]))
    assert rushes.imread(tmp_path / "a.png").ravel().tolist() == [0, 32768, 65535, 65535]


@pytest.mark.parametrize(
    "wrong",
    [
        numpy.zeros(5, "uint8"),
        numpy.zeros((5, 5, 2), "uint8"),
        numpy.zeros((3, 5, 5), "uint8"),
        numpy.zeros((2, 5, 5, 3), "uint8"),
        numpy.zeros((0, 5), "uint8"),
        numpy.zeros((5, 5), bool),
        numpy.zeros((5, 5), "int32"),
        numpy.zeros((5, 5), "int16"),
        numpy.zeros((5, 5), "complex64"),
        numpy.array([["a"]]),
        7,
    ],
    ids=str,
)
def test_what_is_no_picture_is_refused(tmp_path: Path, wrong: Any) -> None:
    with pytest.raises(rushes.Invalid) as caught:
        rushes.imwrite(tmp_path / "a.png", wrong)
    assert isinstance(caught.value, ValueError) and "array" in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written_says_why(tmp_path: Path) -> None:
    array = noise((4, 4, 4), "uint8")
    with pytest.raises(rushes.Invalid, match="opacity"):
        rushes.imwrite(tmp_path / "a.jpg", array)
    with pytest.raises(rushes.Unsupported, match="png"):
        rushes.imwrite(tmp_path / "a.docx", array)
    with pytest.raises(rushes.Unsupported):
        rushes.imwrite(tmp_path / "a", array)
    for quality in (0, 101, -1):
        with pytest.raises(rushes.Invalid, match="quality"):
            rushes.imwrite(tmp_path / "a.jpg", array[:, :, :3], quality=quality)
    with pytest.raises(TypeError):
        rushes.imwrite(tmp_path / "a.jpg", array[:, :, :3], quality=0.5)  # type: ignore[arg-type]
    with pytest.raises(rushes.NotFound):
        rushes.imwrite(tmp_path / "none" / "a.png", array)
    assert not list(tmp_path.iterdir())
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(rushes.Invalid, match="folder"):
        rushes.imwrite(tmp_path / "folder.png", array)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    path, one, other = tmp_path / "a.png", noise((4, 4), "uint8"), noise((5, 5), "uint8")
    before = os.umask(0o027)
    try:
        rushes.imwrite(path, one)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    with pytest.raises(rushes.Conflict) as caught:
        rushes.imwrite(path, other, overwrite=False)
    assert isinstance(caught.value, FileExistsError)
    assert numpy.array_equal(rushes.imread(path), one)
    inode = path.stat().st_ino
    rushes.imwrite(path, other)
    assert numpy.array_equal(rushes.imread(path), other) and path.stat().st_ino != inode
    rushes.imwrite(tmp_path / "new.png", other, overwrite=False)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["a.png", "new.png"]


def oriented(picture: bytes, orientation: int) -> bytes:
    """A JPEG with this EXIF orientation (TIFF 6.0: tag 274, one SHORT)."""
    entry = struct.pack("<HHHII", 1, 274, 3, 1, orientation)
    exif = b"Exif\0\0" + b"II*\0" + struct.pack("<I", 8) + entry + struct.pack("<I", 0)
    return picture[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + picture[2:]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_jpeg_is_turned_as_exif_says(tmp_path: Path, orientation: int) -> None:
    flat = tmp_path / "flat.jpg"
    blocks = numpy.array([[0, 80], [160, 240], [40, 200]], "uint8")
    rushes.imwrite(flat, numpy.kron(blocks, numpy.ones((16, 16), "uint8")))
    stored = rushes.imread(flat)
    path = tmp_path / "turned.jpg"
    path.write_bytes(oriented(flat.read_bytes(), orientation))
    degrees, mirrored = TURNS[orientation - 1]
    wanted = numpy.rot90(stored, -degrees // 90)
    assert numpy.array_equal(rushes.imread(path), wanted[:, ::-1] if mirrored else wanted)
    assert numpy.array_equal(rushes.imread(path, upright=False), stored)


def test_a_sample_that_lies_on_its_side_is_set_upright() -> None:
    path = SAMPLES / "Coast" / "moonrise.jpg"
    stored, upright = rushes.imread(path, upright=False), rushes.imread(path)
    assert stored.ndim == 3 and stored.shape[:2] == upright.shape[1::-1]
    # Orientation 6: the first row is the right side.
    assert numpy.array_equal(upright, numpy.rot90(stored, -1))


def test_pixels_are_those_that_ffmpeg_decodes(clips: Clips) -> None:
    for name, pixels in (("contours.png", "rgb24"), ("marbled-ink.webp", "rgb24")):
        path = SAMPLES / "Studio" / name
        ours = rushes.imread(path)[:, :, :3]
        if name.endswith("png"):
            assert numpy.array_equal(ours, ffmpeg(path, pixels, ours.shape, "uint8"))
        else:
            theirs = ffmpeg(path, pixels, ours.shape, "uint8").astype(int)
            assert numpy.abs(ours - theirs).mean() < 2
    path = SAMPLES / "Coast" / "moonrise.jpg"
    ours = rushes.imread(path, upright=False)
    # Another decoder: colour is brought to full size in another way.
    theirs = ffmpeg(path, "rgb24", ours.shape, "uint8").astype(int)
    assert numpy.abs(ours - theirs).mean() < 1.5
    sixteen = noise((9, 11, 3), "uint16")
    rushes.imwrite(clips.folder / "sixteen.png", sixteen)
    theirs = ffmpeg(clips.folder / "sixteen.png", "rgb48le", sixteen.shape, "<u2")
    assert numpy.array_equal(theirs, sixteen)


def test_every_still_among_the_samples_is_read() -> None:
    found = {path.name: rushes.imread(path) for path in sorted(SAMPLES.rglob("*")) if (
        path.suffix in (".jpg", ".png", ".webp", ".heic"))}  # fmt: skip
    assert len(found) == 6
    for name, array in found.items():
        assert array.ndim in (2, 3) and array.std() > 5, name


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_a_picture_over_the_budget_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, array = tmp_path / "a.png", noise((100, 50, 3), "uint16")
    rushes.imwrite(path, array)
    monkeypatch.setattr(rushes, "memory_budget_bytes", array.nbytes, raising=False)
    assert numpy.array_equal(rushes.imread(path), array)
    monkeypatch.setattr(rushes, "memory_budget_bytes", array.nbytes - 1)
    with pytest.raises(rushes.NotEnoughMemory, match="100x50"):
        rushes.imread(path)
    # Ten gigabytes of white, in ten megabytes.
    monkeypatch.setattr(rushes, "memory_budget_bytes", 1 << 30)
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", head) + chunk(b"IDAT", bytes(10_000_000)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    with pytest.raises(rushes.NotEnoughMemory):
        rushes.imread(path)


def test_what_is_no_picture_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(rushes.NotFound):
        rushes.imread(tmp_path / "none.png")
    with pytest.raises(rushes.Unsupported, match=r"rushes\.open"):
        rushes.imread(SAMPLES / "Coast" / "held-upright.mov")
    with pytest.raises(rushes.Unsupported, match=r"rushes\.aread"):
        rushes.imread(SAMPLES / "Studio" / "sweep.flac")
    (tmp_path / "empty.png").write_bytes(b"")
    with pytest.raises(rushes.CorruptMedia):
        rushes.imread(tmp_path / "empty.png")
    rushes.imwrite(tmp_path / "a.png", noise((64, 64, 3), "uint8"))
    half = (tmp_path / "a.png").read_bytes()[:6000]
    (tmp_path / "half.png").write_bytes(half)
    with pytest.raises(rushes.CorruptMedia):
        rushes.imread(tmp_path / "half.png")


@pytest.mark.parametrize("extension", ["jpg", "png", "tif", "webp"])
def test_tags_of_another_still_go_along(tmp_path: Path, extension: str) -> None:
    origin = SAMPLES / "Coast" / "moonrise.jpg"
    array = rushes.imread(origin)
    path = tmp_path / f"a.{extension}"
    rushes.imwrite(path, array[:, :100], tags_from=origin)
    again = rushes.imread(path)
    assert again.shape == (array.shape[0], 100, 3), "it is not turned twice"
    line = ["exiftool", "-s3", "-n", "-Make", "-DateTimeOriginal", "-Orientation", "-ColorSpace"]
    done = subprocess.run([*line, str(path)], stdout=subprocess.PIPE, check=True)
    words = ["Example Optics", "2024:05:19 23:11:40", "1", "1"]
    assert done.stdout.decode().splitlines() == words
    with pytest.raises(rushes.NotFound):
        rushes.imwrite(tmp_path / "b.png", array, tags_from=tmp_path / "no such")
    assert not (tmp_path / "b.png").exists()


def test_a_picture_into_an_object() -> None:
    frame = numpy.random.default_rng(4).integers(0, 256, (20, 30, 3), "uint8")
    for format in ("png", ".PNG", "tif", "bmp"):
        file = io.BytesIO()
        rushes.imwrite(file, frame, format=format)
        assert (rushes.imread(file) == frame).all(), format
    small, large = io.BytesIO(), io.BytesIO()
    rushes.imwrite(small, frame, format="jpg", quality=20)
    rushes.imwrite(large, frame, format="jpg", quality=95)
    assert len(small.getvalue()) < len(large.getvalue())
    # Linear light, as in a file.
    light, file = frame / numpy.float32(100), io.BytesIO()
    rushes.imwrite(file, light, format="exr")
    assert (rushes.imread(file) == light).all()
    wrongs: list[dict[str, Any]] = [{}, {"format": "png", "tags_from": "a.jpg"}]
    for wrong in wrongs:
        with pytest.raises(rushes.Invalid, match="for an object"):
            rushes.imwrite(io.BytesIO(), frame, **wrong)
    with pytest.raises(rushes.Invalid, match="for a path"):
        rushes.imwrite("a.png", frame, format="png")
    with pytest.raises(rushes.Unsupported, match="xyz"):
        rushes.imwrite(io.BytesIO(), frame, format="xyz")
    with pytest.raises(TypeError, match="not int"):
        rushes.imwrite(3, frame)  # type: ignore[arg-type]

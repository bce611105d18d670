"""easimage's interface: files against `rushes.open`, pictures against formulas and what easimage
3.0.6 gave."""

from __future__ import annotations

import io
import math
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy
import pytest
from numpy.typing import NDArray

import rushes
from rushes.compat import pImage

RAMP = numpy.arange(256, dtype="uint8").reshape(16, 16)
COUNT, ROWS, COLUMNS = 12, 48, 64


def noise(*shape: int) -> NDArray[numpy.uint8]:
    return numpy.random.default_rng(7).integers(0, 256, shape, "uint8")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, NDArray[numpy.uint8]]:
    """A lossless clip, and its frames."""
    path = tmp_path_factory.mktemp("clip") / "clip.avi"
    frames = noise(COUNT, ROWS, COLUMNS, 3)
    rushes.write(path, frames, fps="30000/1001", codec="ffv1")
    with rushes.open(path) as video:
        assert (video[:] == frames).all()
    return path, frames


def test_a_reader_gives_grey_or_rgb(clip: tuple[Path, NDArray[numpy.uint8]]) -> None:
    path, frames = clip
    with pImage.VideoReader(path) as reader:
        assert type(reader) is pImage.OpenCVReader and reader.frames_number == COUNT
        assert (reader.width, reader.height, reader.shape) == (64, 48, (48, 64, COUNT))
        # Luma, of BT.601 or 709: between the two, give or take rounding.
        wanted = [
            frames[3] @ weights for weights in ([0.299, 0.587, 0.114], [0.2126, 0.7152, 0.0722])
        ]
        gray = reader.frame(3).astype(float)
        assert reader.frame(3).dtype == "uint8" and min(abs(gray - w).max() for w in wanted) < 2
        with pytest.raises(ValueError, match="Cannot get negative frame ids"):
            reader.frame(-1)
        with pytest.raises(OSError, match="there is no frame 12: the video has 12"):
            reader.frame(COUNT)
    colored = pImage.VideoReader(path, color=True)
    for number in (5, 0, 11, 11):
        assert (colored.frame(number) == frames[number]).all()
    assert all((a == b).all() for a, b in zip(colored.frames(), frames, strict=True))
    assert [int(f[0, 0, 0]) for f in colored.sequence(2, 5)] == frames[2:5, 0, 0, 0].tolist()
    # Rows, columns, then time.
    assert (colored[3:9, 5, 4] == frames[4, 3:9, 5]).all()
    assert (colored[3:9, 5:7, 2:6] == numpy.moveaxis(frames[2:6, 3:9, 5:7], 0, 2)).all()
    assert (colored[3, 5:7, 2:6] == numpy.moveaxis(frames[2:6, 3, 5:7], 0, 1)).all()
    assert colored[:, :, 12:].shape == (48, 64, 0, 3) and colored[..., 2:4, 0].shape == (48, 2, 3)
    with pytest.raises(OSError, match="no such"):
        pImage.VideoReader(path.with_name("none.avi")).frame(0)


def test_compatibility_brings_back_the_blue_channel_and_swapped_sides(
    clip: tuple[Path, NDArray[numpy.uint8]],
) -> None:
    path, frames = clip
    with pImage.VideoReader(path, compat=True) as reader:
        assert (reader.frame(3) == frames[3, :, :, 2]).all()
        assert all((a == b).all() for a, b in zip(reader.frames(), frames[..., 2], strict=True))
        assert (reader.width, reader.height, reader.shape) == (48, 64, (48, 64, COUNT))


def test_the_ffmpeg_reader_counts(clip: tuple[Path, NDArray[numpy.uint8]]) -> None:
    path, frames = clip
    reader = pImage.VideoReader(path, use_ffmpeg=True, pix_fmt="rgb24")
    assert isinstance(reader, pImage.FFmpegReader)
    taken = list(reader.sequence(4, 3))
    assert len(taken) == 3 and (taken[0] == frames[4]).all()
    # 0.2 s are 5.99 frames.
    assert (next(reader.sequence("00:00:00.2")) == frames[5]).all()
    assert len(list(reader.sequence("00:00:00", "00:00:00.2"))) == 5
    assert reader.get_framerate() == pytest.approx(29.97, abs=0.001)
    assert pImage.FFmpegReader(path, compat=True).get_framerate() == 30000


def test_transforms_have_their_order(clip: tuple[Path, NDArray[numpy.uint8]]) -> None:
    path, frames = clip
    turned = pImage.VideoReader(path, color=True, rotate=1, crop=(1, 2, 3, 4))
    assert isinstance(turned, pImage.TransformingReader)
    wanted = numpy.rot90(frames[2][1:-2, 3:-4])
    assert (turned.frame(2) == wanted).all() and turned.shape == (57, 45, COUNT)
    assert pImage.VideoReader(path, crop=5).shape == (38, 54, COUNT)
    assert pImage.VideoReader(path, crop={"value": 2, "left": 9}).shape == (44, 53, COUNT)
    half = pImage.VideoReader(path, color=True, resize=0.5)
    means = frames[1].reshape(24, 2, 32, 2, 3).mean((1, 3))
    assert abs(half.frame(1) - means).max() <= 0.51

    bright = pImage.TransformingReader(path, color=True, contrast=1.5, brightness=10, gamma=2)
    stretched = numpy.clip(frames[0] * 1.5 + 10, 0, 255).astype(int)
    wanted = (numpy.sqrt(stretched / 255) * 255).astype(int)
    assert (bright.frame(0) == wanted).all() and bright.frame(0).max() == 255
    bright.add_callback(lambda frame, reader: frame[: reader.frames_number])
    bright.add_callback(lambda frame, reader: 255 - frame)
    assert (bright.frame(0) == 255 - wanted[:COUNT]).all() and bright.shape[0] == COUNT
    assert (next(bright.frames()) == bright.frame(0)).all()
    sharp = pImage.VideoReader(path, color=True, sharpen=0.5)
    exact = pImage.sharpen_img(frames[0], 0.5)
    assert abs(sharp.frame(0) - exact.clip(0, 255)).max() <= 0.5
    exactly = pImage.VideoReader(path, color=True, sharpen=0.5, compat=True).frame(0)
    assert exactly.dtype == "float64" and (exactly == exact).all()
    written = pImage.VideoReader(
        path, annotate={"text": "I", "params": {"color": "red"}}, clahe=True
    )
    plain = pImage.VideoReader(path, clipLimit=8).frame(0)
    assert (
        plain
        == rushes.ops.clahe(
            pImage.VideoReader(path).frame(0), clip_limit=8.0, tile_columns=5, tile_rows=5
        )
    ).all()
    assert (written.frame(0) != plain).any()
    with pytest.raises(TypeError):
        pImage.VideoReader(path, crop=1, colour=True)


@pytest.mark.parametrize("name", ["a.avi", "b.MP4", "c.m4v", "d.mkv", "e.mov", "f.webm", "g.gif"])
def test_a_writer_begins_with_the_first_frame(name: str, tmp_path: Path) -> None:
    path = tmp_path / "not" / "there" / name
    y, x = numpy.mgrid[0:48, 0:64]
    frames = [
        numpy.dstack([x * 4, y * 5, 0 * x + number * 20]).astype("uint8") for number in range(5)
    ]
    writer = pImage.VideoWriter(path, fps=25)
    assert not path.parent.exists()
    with writer:
        writer.write(frames[0])
        writer.copy_from(frames[1:])
    with rushes.open(path) as video:
        assert len(video) == 5 and video.fps == 25
        for read, wanted in zip(video, frames, strict=True):
            # Lossy, of chroma at half the size; colours in their places.
            assert abs(read.astype(int) - wanted).mean() < 12


def test_what_is_written_saturates_and_is_rgb(tmp_path: Path) -> None:
    def written(frame: Any, **options: Any) -> NDArray[Any]:
        path = tmp_path / "one.avi"
        with pImage.VideoWriter(path, codec="FFV1", **options) as writer:
            writer.write(frame)
        return rushes.open(path)[0]

    colors = noise(4, 6, 3)
    assert (written(colors) == colors).all()
    assert (written(colors, rgbconv=None) == colors[:, :, ::-1]).all()
    rgba = numpy.dstack([colors, colors[:, :, 0]])
    assert (written(rgba, rgbconv="RGBA2BGR") == colors).all()
    assert (written(rgba, rgbconv="BGRA2BGR") == colors[:, :, ::-1]).all()
    assert (written(colors[:, :, 0]) == colors[:, :, :1]).all()
    floats = numpy.full((4, 6), 300.7)
    assert (written(floats) == 255).all() and (written(-floats) == 0).all()
    assert (written(floats, compat=True) == 44).all()
    # Pure hues as OpenCV has them, and a grey: recorded from cvtColor(COLOR_HSV2RGB).
    hsv = numpy.array(
        [[[0, 255, 255], [60, 255, 200], [120, 255, 255], [90, 0, 77], [15, 128, 250]]]
    )
    wanted = [[255, 0, 0], [0, 200, 0], [0, 0, 255], [77, 77, 77], [250, 187, 125]]
    assert abs(written(hsv.repeat(16, 0), rgbconv="HSV2BGR")[0].astype(int) - wanted).max() <= 1
    placed = pImage.VideoWriter("x.avi", root=tmp_path)
    assert isinstance(placed, pImage.AviWriter) and placed.path == str(tmp_path / "x.avi")
    assert pImage.VideoWriter(tmp_path, filename="y.mkv").path == str(tmp_path / "y.mkv")


def test_a_writer_says_what_it_cannot(tmp_path: Path) -> None:
    with pytest.raises(NotImplementedError, match=r"the extension is '\.xyz'"):
        pImage.VideoWriter(tmp_path / "a.xyz")
    with pytest.warns(UserWarning, match="No data has been given, video was not created"):
        pImage.VideoWriter(tmp_path / "a.avi").close()
    with pytest.raises(ZeroDivisionError), pImage.VideoWriter(tmp_path / "a.avi") as writer:
        writer.write(RAMP)
        writer.write(numpy.full((16, 16), 1 // 0))
    assert not list(tmp_path.iterdir())
    for wrong in ({"dtype": "uint16"}, {"rgbconv": "XYZ"}):
        with pytest.raises(rushes.Invalid):
            pImage.VideoWriter(tmp_path / "a.avi", **wrong)


def test_tiffs_are_one_a_frame_and_gifs_go_back(tmp_path: Path) -> None:
    deep = (noise(3, 8, 9).astype("uint16") * 257).astype("uint16")
    with pImage.VideoWriter(tmp_path / "new" / "t.tiff") as writer:
        writer.write_from(deep)
    names = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert names == ["t_00000.tiff", "t_00001.tiff", "t_00002.tiff"]
    assert (rushes.imread(tmp_path / "new" / names[2]) == deep[2]).all()
    with pImage.VideoWriter(tmp_path / "a.gif", framerate=10, seamless=True) as writer:
        writer.write_from(numpy.full((4, 8, 8), [[[0]], [[80]], [[160]], [[240]]], "uint8"))
    video = rushes.open(tmp_path / "a.gif")
    means = [frame.mean() for frame in video]
    assert means == pytest.approx([0, 80, 160, 240, 160, 80], abs=12) and video.fps == 10
    # An animation that is played more than once says so; 0 is without an end.
    for infinite, block in ((True, b"NETSCAPE2.0\x03\x01\x00\x00\x00"), (False, b"NETSCAPE")):
        path = tmp_path / f"{infinite}.gif"
        with pImage.VideoWriter(path, infinite=infinite, optimize=False) as writer:
            writer.write_from(noise(2, 8, 8))
        assert (block in path.read_bytes()) is infinite


def seq(folder: Path, frames: NDArray[numpy.uint8]) -> Path:
    """A recording of Hiris."""
    count, rows, columns = frames.shape
    text = f"[Sequence Settings]\nWidth={columns}\nHeight={rows}\nBytesPerPixel=1\n"
    text += f"Number of files={count}\nFramePerSecond=50\nBin File=foo.bin\n"
    (folder / "foo.seq").write_text(text)
    (folder / "foo.bin").write_bytes(frames.tobytes())
    return folder / "foo.seq"


def test_the_converter_converts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], clip: tuple[Path, NDArray[numpy.uint8]]
) -> None:
    frames = numpy.full((130, 32, 48), numpy.arange(130)[:, None, None] + 60, "uint8")
    converter = pImage.Standard_Converter(seq(tmp_path, frames), tmp_path / "bar" / "foo.avi")
    converter.start()
    assert capsys.readouterr().out == "Done\n"
    with rushes.open(tmp_path / "bar" / "foo.avi") as video:
        assert [round(frame.mean()) for frame in video] == pytest.approx(
            list(range(60, 190)), abs=2
        )
    path, colors = clip
    kept = tmp_path / "kept.avi"
    reader = {"color": True, "rotate": 2}
    pImage.StandardConverter(
        path, kept, reader=reader, writer={"codec": "ffv1"}, start_frame=2, stop_frame=9
    ).start()
    with rushes.open(kept) as video:
        assert video.fps == Fraction(30000, 1001) and (video[:] == colors[2:9, ::-1, ::-1]).all()
    pImage.StandardConverter(path, kept, writer={"codec": "ffv1"}, compat=True).start()
    with rushes.open(kept) as video:
        assert video.fps == 30 and (video[4] == colors[4, :, :, 2:]).all()
    with pytest.raises(NotImplementedError):
        pImage.StandardConverter(path, tmp_path / "a.xyz")
    with pytest.raises(OSError, match="no such"):
        pImage.StandardConverter(tmp_path / "none.seq", tmp_path / "none.avi").start()
    assert not (tmp_path / "none.avi").exists()


def test_the_parts_of_a_recording_are_read(tmp_path: Path) -> None:
    frames = noise(5, 6, 8)
    path = seq(tmp_path, frames)
    text = path.read_text() + "Comment=50% \u00e9t\u00e9\nBin directory\n[Other]\nWidth=9\n"
    path.write_bytes(text.encode("cp1252"))
    stated = pImage.hiris.HirisSeqFile(path)
    assert stated.path == str(path) and stated["FrameBinSize"] == 48
    assert (stated["Width"], stated["Number of files"], stated["Bin directory"]) == ("8", "5", "")
    assert str(stated["Comment"]).startswith("50% ")
    reader = pImage.VideoReader(path)
    assert isinstance(reader, pImage.HirisReader) and reader.seqfile == stated

    # Four frames and a half.
    path.with_suffix(".bin").write_bytes(frames.tobytes()[: 4 * 48 + 24])
    held = pImage.hiris.HirisBinFile(path.with_suffix(".bin"), stated)
    assert (held.byte_size, held.frame_bin_size, held.remainder) == (216, 48, 24)
    assert held.frames_number == 4 and (numpy.stack(list(held.frames())) == frames[:4]).all()
    assert (numpy.stack(held.get_frame(slice(1, 4, 2))) == frames[1:4:2]).all()
    assert len(held.get_frame(slice(None))) == 4 and held.get_frame(slice(3, 3)) == []
    for beyond in (slice(3, 5, 1), slice(-1, 2, 1)):
        with pytest.raises(EOFError, match="it has 4"):
            held.get_frame(beyond)

    path.write_text(text.replace("BytesPerPixel=1", "BytesPerPixel=2"), encoding="utf-8")
    deep = pImage.hiris.HirisBinFile(held.path, pImage.hiris.HirisSeqFile(path))
    wanted = frames[2:4].reshape(6, 8, 2).astype("uint16") @ numpy.array([1, 256], "uint16")
    assert deep.frames_number == 2 and (deep.get_frame(slice(1, 2))[0] == wanted).all()
    for wrong in ("", "Width=8", "[Other]\nWidth=8", text.replace("=8", "=0"), text[:40] + "\n"):
        path.write_text(wrong, encoding="utf-8")
        with pytest.raises(ValueError, match="reading the recording") as failed:
            pImage.hiris.HirisSeqFile(path)
        assert isinstance(failed.value, rushes.CorruptMedia)
    path.write_text(text.replace("BytesPerPixel=1", "BytesPerPixel=3"), encoding="utf-8")
    other = pImage.hiris.HirisBinFile(held.path, pImage.hiris.HirisSeqFile(path))
    with pytest.raises(NotImplementedError, match="3 bytes"):
        next(other.frames())


def test_a_bar_is_shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shown = io.StringIO()
    monkeypatch.setattr("sys.stderr", shown)
    rushes.write(tmp_path / "a.avi", noise(101, 16, 16), fps=30)
    reader = pImage.VideoReader(tmp_path / "a.avi")
    assert len(list(reader.sequence())) == 101 and not shown.getvalue()
    monkeypatch.setattr(shown, "isatty", lambda: True)
    assert len(list(reader.sequence(0, 100))) == 100 and not shown.getvalue()
    assert len(list(reader.sequence())) == 101
    assert shown.getvalue().endswith(f"[{'#' * 40}] 101/101\n")


def test_every_public_name_is_there() -> None:
    for name in [
        "blend_modes",
        "mosaics",
        "readers",
        "transformations",
        "writers",
        "VideoReader",
        "VideoWriter",
        "StandardConverter",
        "Standard_Converter",
        "TransformingReader",
        "available_transforms",
        "save_as_image",
        "SiftComparison",
        "correlation_2D",
        "normal",
        "multiply",
        "rescale_to_8bit",
        "get_array_minmax",
        "array_gray_to_color",
        "sequence_gray_to_color",
        "gray_to_RBG_layers",
        "gray_to_4_layer",
        "annotate_image",
        "annotate_sequence",
        "make_crop_params",
        "crop",
        "binarize",
        "contrast_brightness",
        "gamma",
        "curve",
        "make_lut_curve",
        "clahe",
        "apply_lut",
        "make_lut_gamma",
        "to_uint",
        "to_norm",
        "constrain",
        "sharpen_img",
        "grayscale",
        "pad",
        "null_image",
        "gaussian",
        "convert_scale",
        "automatic_brightness_and_contrast",
        "mpl_colorify_array",
        "compute_transform_matrix",
        "affine_transform",
        "find_best_exposure",
        "flat_field_correction",
        "Colormap",
        "colorize_grayscale_image",
        "colorize_grayscale_image_stack",
        "get_default_stack_colors",
        "OnDemandArray",
    ]:
        assert hasattr(pImage, name) and name in pImage.__all__, name
    assert pImage.video.readers.VideoReader is pImage.readers.VideoReader is pImage.VideoReader
    assert pImage.image.colors.Colormap is pImage.Colormap
    for name in ("HirisReader", "HirisSeqFile", "HirisBinFile"):
        assert getattr(pImage.hiris, name) is getattr(pImage.video.hiris, name)
    assert pImage.hiris.HirisReader is pImage.HirisReader
    for name in ("TransformingReader", "available_transforms"):
        assert getattr(pImage.transformations, name) is getattr(pImage, name)
    with pytest.raises(AttributeError, match="no attribute 'VideoReader'"):
        _ = pImage.transformations.VideoReader
    with pytest.raises(AttributeError, match="no attribute 'pilow'"):
        _ = pImage.pilow
    assert pImage.available_transforms == {
        "crop", "tileGridSize", "brightness", "clahe", "gamma", "contrast", "resize", "annotate",
        "sharpen", "clipLimit", "rotate",
    }  # fmt: skip


def test_numbers_become_eight_bits() -> None:
    values = numpy.array([0.0, 1, 2, math.nan, 3.5])
    # Recorded.
    assert pImage.rescale_to_8bit(values, convert_nan_to=7).tolist() == [0, 72, 145, 7, 255]
    assert pImage.rescale_to_8bit([1, 2, 3.0], 1.5, 2.5).tolist() == [0, 127, 255]
    deep = numpy.array([0, 257 * 9, 65535], "uint16")
    assert pImage.rescale_to_8bit(deep, fullrange=True).tolist() == [0, 9, 255]
    assert pImage.get_array_minmax(values) == (0, 3.5)
    assert pImage.get_array_minmax(RAMP, fullrange=True) == (0, 255)
    assert pImage.find_best_exposure(RAMP) == pytest.approx((5.1, 249.9))
    with pytest.raises(rushes.Invalid):
        pImage.find_best_exposure(RAMP, method="iqr")
    layers = pImage.gray_to_4_layer(RAMP, "blue", vmin=10, vmax=20)
    assert layers[0, 12].tolist() == [0, 0, 51, 255] and layers[0, 15].tolist() == [0, 0, 127, 255]
    assert pImage.gray_to_4_layer(RAMP, "colors,alpha")[0, 8].tolist() == [3, 3, 3, 3]
    three = pImage.gray_to_RBG_layers([RAMP, RAMP // 2, RAMP // 4])
    assert three.shape == (16, 16, 3) and three[8, 0].tolist() == [128, 61, 28]
    with pytest.raises(ValueError, match="there are 2 pictures"):
        pImage.gray_to_RBG_layers([RAMP, RAMP])
    assert (
        pImage.to_uint(0.5) == 191 and pImage.to_norm(255) == 1.0 and pImage.constrain(300) == 255
    )
    assert (
        pImage.binarize(RAMP, 100).sum() == 155 and pImage.binarize(RAMP, 100, False).max() == 255
    )


def test_tables_and_brightness() -> None:
    bright = pImage.contrast_brightness(RAMP, 1.5, 10)
    assert bright[6, 4] == 160 and (bright == numpy.minimum(RAMP * 1.5 + 10, 255).astype(int)).all()
    assert pImage.convert_scale(RAMP, 1, -10)[0, 5] == 0
    table = pImage.make_lut_gamma(2.2)
    # Recorded; easimage's has no 255.
    wanted = [0, 72, 99, 119, 136, 150, 163, 175, 186, 196, 206, 215, 224, 232, 240, 248]
    assert table[::16].tolist() == wanted and len(table) == 256
    assert pImage.gamma(RAMP, 2.2)[15, 15] == 255 and pImage.gamma(RAMP, 2.2, False)[3, 0] == 6
    curve = [0, 1, 4, 9, 20, 37, 61, 93, 128, 163, 194, 219, 235, 245, 250, 253]
    assert pImage.make_lut_curve()[::16] == curve
    assert pImage.curve(RAMP, 4, 0.5)[:, 0].tolist() == curve
    assert (pImage.apply_lut(RAMP, numpy.arange(256)[::-1]) == 255 - RAMP).all()
    picture, alpha, beta = pImage.automatic_brightness_and_contrast(RAMP, return_metrics=True)
    assert (alpha, beta) == pytest.approx((255 / 191, -31 * 255 / 191))
    assert picture[2, :6].tolist() == [1, 2, 4, 5, 6, 8]
    flat = numpy.full((8, 8), 9, "uint8")
    assert (pImage.automatic_brightness_and_contrast(flat) == flat).all()


def test_filters() -> None:
    picture = noise(20, 30)
    inner = picture.astype(float)[4:-4, 5:-5]
    sums = sum(numpy.roll(picture.astype(float), s, a)[4:-4, 5:-5] for s in (1, -1) for a in (0, 1))
    assert (
        abs(pImage.sharpen_img(picture)[4:-4, 5:-5] - (inner - 0.7 * (sums - 4 * inner))).max()
        < 1e-9
    )
    # The response to a point is the Gaussian itself.
    point = numpy.zeros((41, 41))
    point[20, 20] = 1
    y, x = numpy.mgrid[-20:21, -20:21]
    wanted = numpy.exp(-(x * x + y * y) / (2 * 2.25)) / (2 * math.pi * 2.25)
    assert abs(pImage.gaussian(point, 1.5) - wanted).max() < 1e-5
    assert (pImage.gaussian(numpy.full((5, 6, 3), 77, "uint8"), 3) == 77).all()
    colors = noise(4, 5, 3)
    assert abs(pImage.grayscale(colors) - colors.mean(2)).max() < 1e-9
    assert pImage.grayscale(picture) is picture
    assert pImage.pad(RAMP[:2, :2], 1, constant_values=9)[0].tolist() == [9, 9, 9, 9]
    assert pImage.crop(picture, 1, 2, 3, 4).shape == (17, 23) and pImage.crop(picture, 2).shape == (
        16,
        26,
    )
    assert pImage.make_crop_params(value=2, left=9) == (2, 2, 9, 2)
    for wrong in ({"top": 2}, {"value": 10}, {"value": -1}, {"up": 1, "value": 1}):
        with pytest.raises(ValueError):
            pImage.crop(picture, **wrong)
    light = numpy.linspace(50, 200, 600).reshape(20, 30)
    even = pImage.flat_field_correction(light, light)
    assert abs(even - light.mean()).max() < 1e-9
    # Recorded.
    field = numpy.arange(1, 17.0).reshape(4, 4)
    rows = numpy.array(
        [[106, 116, 106, 73], [103, 90, 104, 115], [83, 89, 93, 110], [119, 45, 100, 67]]
    )
    corrected = pImage.flat_field_correction(rows.astype("uint8"), field)
    assert corrected.tolist() == [
        [255, 255, 255, 155], [175, 127, 126, 122], [78, 75, 71, 77], [77, 27, 56, 35],
    ]  # fmt: skip
    null = pImage.null_image((50, 80))
    assert null[0, 0] == null[49, 0] == null[0, 79] == 255 and null[25, 10] == 0


def test_pictures_are_turned_and_shifted() -> None:
    picture = noise(20, 31)
    moved = pImage.affine_transform(picture, 3, 5, 0)
    assert (
        (moved[5:, 3:] == picture[:-5, :-3]).all()
        and not moved[:5].any()
        and not moved[:, :3].any()
    )
    assert (pImage.affine_transform(picture, 0, 0, 180) == picture[::-1, ::-1]).all()
    missing = pImage.affine_transform(picture, -3, 0, 0, bordervalue=math.nan)
    assert missing.dtype == "float32" and numpy.isnan(missing[:, -3:]).all()
    assert abs(missing[:, :-3] - picture[:, 3:]).max() < 1e-3
    # A quarter counter-clockwise.
    square = picture[:, :20]
    assert (pImage.affine_transform(square, 0, 0, 90) == numpy.rot90(square)).all()
    # Recorded, for 10 rows and 20 columns.
    for first, wanted in (
        (False, [[0.86603, 0.5, -1.33013], [-0.5, 0.86603, 8.83975]]),
        (True, [[0.86603, 0.5, 0.76795], [-0.5, 0.86603, 6.66987]]),
    ):
        matrix = pImage.compute_transform_matrix(
            numpy.zeros((10, 20)), 3, 5, 30, first, compat=True
        )
        assert abs(matrix - wanted).max() < 1e-5


def test_grey_becomes_colour() -> None:
    # JET as OpenCV has it, recorded, from blue to red.
    jet = pImage.array_gray_to_color(RAMP)
    assert jet[0, :3].tolist() == [[0, 0, 128], [0, 0, 132], [0, 0, 136]]
    hot = pImage.array_gray_to_color(RAMP, cmap=11)
    assert hot[0, 0].tolist() == [0, 0, 0] and hot[15, 15].tolist() == [255, 255, 255]
    assert hot[4, 0, 0] > 150 and hot[4, 0, 2] == 0
    turned = pImage.array_gray_to_color(RAMP, cmap="hot", reverse=True)
    assert (turned == hot[::-1, ::-1]).all()
    assert (pImage.array_gray_to_color(RAMP, cmap=11, compat=True) == turned[:, :, ::-1]).all()
    masked = pImage.array_gray_to_color(RAMP, mask_where=RAMP < 2, mask_color=(1, 2, 3))
    assert masked[0, :3].tolist() == [[1, 2, 3], [1, 2, 3], [0, 0, 136]]
    with pytest.raises(NotImplementedError):
        pImage.array_gray_to_color(RAMP, cmap=22)
    many = pImage.sequence_gray_to_color(numpy.dstack([RAMP, RAMP // 2]))
    assert many.shape == (16, 16, 2, 3) and (many[:, :, 0] == jet).all()
    assert (many[:, :, 1] == pImage.array_gray_to_color(RAMP // 2, 0, 255)).all()
    steps = pImage.mpl_colorify_array(RAMP, ["red", "blue"])
    assert steps[0, :3].tolist() == [[255, 0, 0, 255], [254, 0, 1, 255], [253, 0, 2, 255]]
    assert (pImage.mpl_colorify_array(RAMP / 255, ["red", "blue"]) == steps).mean() > 0.99
    shown = pImage.mpl_colorify_array(RAMP, lambda v: numpy.dstack([v / 255] * 3 + [v * 0 + 1]))
    assert shown[3, 4].tolist() == [52, 52, 52, 255]

    assert pImage.Colormap("lime").maps(RAMP)[0, 2].tolist() == [0, 2, 0]
    assert pImage.colorize_grayscale_image(RAMP / 255, "#FF00ff")[8, 0].tolist() == [128, 0, 128]
    # Recorded.
    pair = pImage.colorize_grayscale_image_stack([RAMP, RAMP[::-1]])
    assert (
        abs(pair[0, :3].astype(int) - [[242, 0, 242], [243, 0, 243], [243, 0, 243]])[:, ::2].max()
        <= 1
    )
    assert pImage.get_default_stack_colors("abc") == ["red", "lime", "blue"]
    with pytest.raises(rushes.Invalid, match="no colour 'lemonish'"):
        pImage.Colormap("lemonish")


def test_text_is_written(tmp_path: Path) -> None:
    black = numpy.zeros((60, 120, 3), "uint8")
    red = pImage.annotate_image(black, "II", x=40, y=10, fontsize=30, color="red")
    rows, columns = numpy.nonzero(red[:, :, 0])
    assert columns.min() >= 40 and rows.min() >= 10 and rows.max() < 50 and not red[:, :, 1:].any()
    around = pImage.annotate_image(
        black, "II", 40, 10, 30, color="red", shadow_color="lime", shadow_size=3
    )
    assert (around[:, :, 1] > 200).any() and numpy.nonzero(around[:, :, 1])[1].min() < columns.min()
    gray = pImage.annotate_sequence(
        numpy.zeros((60, 120, 2), "uint8"), "I", fontsize=30, color="white"
    )
    assert gray.shape == (60, 120, 2) and gray.max() == 255 and (gray[..., 0] == gray[..., 1]).all()
    pImage.save_as_image(red, tmp_path / "new" / "red.PNG")
    assert (rushes.imread(tmp_path / "new" / "red.PNG") == red).all()
    for name in ("red.jpg", "red.tif"):
        pImage.save_as_image(red * 1.0, tmp_path / name)
        assert abs(rushes.imread(tmp_path / name).astype(int) - red).mean() < 3


# Recorded with opacity 0.7: red of one pixel, 66.711 of opacity 255 under 246.696 of 255, and of
# another, 153.026 of 100 under 88.22 of 197.769.
BLENDED = {
    "normal": (192.70065, 104.30643), "soft_light": (98.94647, 143.76778),
    "lighten_only": (192.70065, 153.02563), "screen": (194.22131, 170.34977),
    "dodge": (198.51333, 192.77414), "addition": (239.39841, 196.34686),
    "darken_only": (66.71109, 121.20222), "multiply": (65.19043, 103.87809),
    "hard_light": (189.9293, 129.87517), "difference": (146.00288, 109.70441),
    "grain_extract": (20.01333, 172.31445), "grain_merge": (150.14841, 133.73682),
    "divide": (68.2766, 203.10108), "overlay": (110.36752, 137.59846),
}  # fmt: skip


def test_pictures_are_blended() -> None:
    below = numpy.array([[[66.71109423357568, 0, 255, 255], [153.02563412124178, 0, 0, 100]]])
    above = numpy.array(
        [[[246.69616788588755, 0, 0, 255], [88.21996972079194, 0, 9, 197.7688053305358]]]
    )
    for name, wanted in BLENDED.items():
        blend = getattr(pImage.blend_modes, name)
        assert blend is getattr(pImage, name) and blend.__name__ == name and blend.__doc__
        result = blend(below, above, 0.7)
        assert result[0, :, 0].tolist() == pytest.approx(wanted, abs=1e-4), name
        assert result.dtype == "float64" and result.min() >= 0 and result.max() <= 255
        if name != "normal":
            assert result[..., 3].tolist() == [[255, 100]]
        assert blend(below, above, 0)[0, 0].tolist() == pytest.approx([66.711094, 0, 255, 255])
    # (153.026 - 88.22) by the share that both show, 0.7 * 100 / (100 + 155 * 70 / 255) of it.
    share = 70 / (100 + 155 * 70 / 255)
    exact = (153.025634 - 88.21997) * share + 153.025634 * (1 - share)
    assert pImage.subtract(below, above, 0.7)[0, :, 0].tolist() == pytest.approx([0, exact])
    assert pImage.normal(below[..., :3], above, 0.5)[0, 0, 3] == 255
    with pytest.raises(TypeError):
        pImage.normal(below.astype("uint8"), above, 0.5)
    assert pImage.normal(below.astype("uint8"), above, 0.5, disable_type_checks=True).any()
    with pytest.raises(ValueError, match="opacity is 2"):
        pImage.screen(below, above, 2)


def test_a_shift_is_found() -> None:
    picture = pImage.gaussian(noise(64, 50).astype(float), 1)
    for dy, dx in ((3, 5), (-4, 7), (0, 0), (-2, -6)):
        moved = numpy.roll(picture, (dy, dx), (0, 1))
        found = pImage.correlation_2D(picture, moved)
        assert found["shifts"].tolist() == [-dx, -dy]
        assert found["maximum_correlation_point"].tolist() == [25 - dx, 32 - dy]
        assert found["correlation_image"].shape == (64, 50)
    # The sum itself, at one shift.
    first, second = found["reference_image"], found["measured_image"]
    exact = (first[4:, 9:] * second[:-4, :-9]).sum()
    assert found["correlation_image"][32 + 4, 25 + 9] == pytest.approx(exact)
    lit = numpy.linspace(0.5, 2, 64)[:, None]
    found = pImage.correlation_2D(picture * lit, numpy.roll(picture, 2, 0) * lit, flat_field=lit)
    assert found["shifts"].tolist() == [0, -2]
    with pytest.raises(rushes.Invalid):
        pImage.correlation_2D(picture, picture[1:])


def test_motion_is_found_by_points(monkeypatch: pytest.MonkeyPatch) -> None:
    cv2 = pytest.importorskip("cv2")
    picture = pImage.gaussian(noise(160, 200).astype(float), 2).astype("uint8")
    matrix = cv2.getRotationMatrix2D((100, 80), -10, 1)
    matrix[:, 2] += 3, -5
    turned = cv2.warpAffine(picture, matrix, (200, 160), flags=cv2.INTER_CUBIC)
    found = pImage.SiftComparison.from_images(picture, turned, max_pt_num=60)
    assert found.rotation == pytest.approx(10, abs=0.5)
    assert found.vector == pytest.approx(matrix, abs=1.5)
    assert found.trans_vector.tolist() == [found.translation_x, found.translation_y]
    assert found.draw_keypoints().shape == (160, 400, 3)
    with pytest.raises(rushes.Invalid, match="points in common"):
        pImage.SiftComparison.from_images(picture * 0, turned)
    with pytest.raises(rushes.Invalid, match="grey"):
        pImage.SiftComparison.from_images(picture[..., None], turned)
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(NotImplementedError, match="pip install"):
        pImage.SiftComparison.from_images(picture, turned)


def test_pillow_is_itself_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.delitem(sys.modules, "PIL.Image", raising=False)
    monkeypatch.delitem(sys.modules, "PIL.ImageDraw", raising=False)
    assert pImage.pillow is None and pImage.pillow_draw is None
    monkeypatch.undo()
    pillow = pytest.importorskip("PIL.Image")
    drawing = pytest.importorskip("PIL.ImageDraw")
    assert pImage.pillow is pillow and getattr(pImage, "pillow_draw") is drawing


def test_an_array_on_demand_makes_what_is_taken() -> None:
    made: list[int] = []

    class Parent:
        def get_frame(self, i: int) -> NDArray[Any]:
            made.append(i)
            return numpy.full((4, 5), i) + numpy.arange(5)

    # A petabyte, were it in memory.
    array = pImage.OnDemandArray((10**13, 4, 5), "uint16", generator_parent=Parent())
    assert len(array) == 10**13 and array.ndim == 3 and not made
    assert (
        array[7].tolist() == [[7, 8, 9, 10, 11]] * 4
        and array[7].dtype == "uint16"
        and set(made) == {7}
    )
    made.clear()
    assert array[3:9:2, 1, 1:3].tolist() == [[4, 5], [6, 7], [8, 9]] and made == [3, 5, 7]
    assert array[9, 2, 0] == 9 and array[[5, 2], 0, 0].tolist() == [5, 2]
    assert array[2:4, ..., 0].shape == (2, 4)
    with pytest.raises(MemoryError):
        array[:]
    with pytest.raises(IndexError):
        array[10**13]
    small = pImage.OnDemandArray((3, 4, 5), generator_parent=Parent())
    assert numpy.asarray(small).mean() == 3 and [f[0, 0] for f in small] == [0, 1, 2]
    assert small[-1][0, 0] == 2 and small[..., 1].shape == (3, 4) and small[...].shape == (3, 4, 5)
    with pytest.raises(rushes.Invalid):
        pImage.OnDemandArray((3, 9, 9), generator_parent=Parent())[0]


def counting(count: int, rows: int = 20, columns: int = 20) -> NDArray[numpy.uint8]:
    """An array [Y, X, T, 3] of which frame t is all 5 + 10 t."""
    numbers = (numpy.arange(count) * 10 + 5).astype("uint8")
    return numpy.broadcast_to(numbers[None, None, :, None], (rows, columns, count, 3)).copy()


def test_videos_stand_side_by_side(clip: tuple[Path, NDArray[numpy.uint8]]) -> None:
    builder = pImage.mosaics.VignetteBuilder("snappy", bg_color=7)
    builder.add_video(counting(12))
    builder.add_video(counting(6), time_offset=2)
    builder.add_video(counting(12), time_offset=-2)
    builder.add_video(counting(6), sampling_rate_multiplier=2)
    assert builder.get_total_duration() == 12
    # As easimage 3.0.6 shows them, but for offsets below 0, which it adds up.
    shown = [frame[5, 5::20, 0].tolist() for frame in builder.frames()]
    assert (
        shown[0] == [5, 7, 25, 5] and shown[2] == [25, 5, 45, 15] and shown[3] == [35, 15, 55, 15]
    )
    assert shown[8] == [85, 7, 105, 45] and shown[11] == [115, 7, 7, 55] and len(shown) == 12
    # In any order; past the end there is the background.
    for number in (3, 3, 9, 2, 11):
        assert builder.frame(number)[5, 5::20, 0].tolist() == shown[number]
    assert (builder.frame(12) == 7).all()
    assert builder.frame(99).shape == (20, 80, 3) and (builder.frame(99) == 7).all()
    changed = pImage.mosaics.VignetteBuilder("snappy")
    seen: list[bool] = []

    def transform(own: Any, frame: NDArray[Any]) -> NDArray[Any]:
        seen.append(own is changed)
        return frame * 2.0

    changed.add_video(counting(12))
    changed.add_video(counting(12), transform_func=transform)
    assert changed.frame(4)[5, 5::20, 0].tolist() == [45, 90] and all(seen) and seen
    changed.close()
    builder.set_layout("snappy", "vert")
    builder.set_border(3)
    builder.set_spacing(2)
    assert builder.frame(0).shape == (4 * 20 + 3 * 2 + 6, 26, 3)
    builder.close()

    path, frames = clip
    grid = pImage.mosaics.VignetteBuilder(bg_color="red", max_size=500, columns=2)
    with pytest.raises(rushes.Invalid, match="add_video first"):
        grid.frame(0)
    reader = pImage.VideoReader(path, color=True, rotate=2)
    grid.add_video(reader)
    assert grid.frame(4).shape[0] == 48
    grid.add_video(counting(3)[..., 0], array_mode="np_bwt")
    grid.add_video(counting(1)[:, :, 0], array_mode="np_col")
    grid.add_video(builder)
    whole = grid.frame(4)
    assert whole.shape == (96, 128, 3) and (whole[:48, :64] == frames[4, ::-1, ::-1]).all()
    # Ended: only the background.
    assert (whole[:48, 64:] == (255, 0, 0)).all() and whole[72, 32].tolist() == [5, 5, 5]
    wide = pImage.mosaics.VignetteBuilder(target_ar=6)
    tall = pImage.mosaics.VignetteBuilder(target_ar=0.2)
    for shaped in (wide, tall):
        for _ in range(6):
            shaped.add_video(counting(2))
    assert wide.frame(0).shape == (20, 120, 3) and tall.frame(0).shape == (120, 20, 3)
    tall.set_max_size(60)
    assert 48 <= max(tall.frame(0).shape) <= 60
    with pytest.raises(rushes.Invalid):
        wide.add_video(counting(2), array_mode="np_bw")
    for options in ({"layout_style": "heap"}, {"alignment": "x"}, {"target_ar": 0}):
        with pytest.raises(rushes.Invalid):
            pImage.mosaics.VignetteBuilder(**options)


def test_mosaics_of_easimage_3_begin_with_time() -> None:
    frames = numpy.moveaxis(counting(5, columns=30), 2, 0)
    for given in (frames, frames[..., 0]):
        builder = pImage.video.mosaics.VignetteBuilder(
            "snappy", buffer_mode="disk", static_mode=True, resize_algorithm=3
        )
        builder.add_video(given)
        assert builder.get_total_duration() == 5
        assert [frame[0, 0, 0] for frame in builder.frames()] == [5, 15, 25, 35, 45]
        assert builder.frame(0).shape == (20, 30, 3)
        builder.close()
    old = pImage.mosaics.VignetteBuilder()
    old.set_resize_algorithm(3)
    with pytest.raises(rushes.Invalid, match="INTER_AREA"):
        old.set_resize_algorithm(1)


def test_frames_that_are_made_last_as_long_as_the_videos() -> None:
    asked: list[int] = []

    def made(self: Any, i: int) -> NDArray[Any]:
        asked.append(i)
        return numpy.full((20, self.columns), i * self.step)

    provider = pImage.mosaics.VariableFrameProvider(columns=20, step=3.0)
    with pytest.raises(rushes.Invalid, match="call bound"):
        provider.get_frame(0)
    provider.bound(made)
    assert provider.get_shape() == (20, 20) and provider.get_frame(5)[0, 0] == 15
    builder = pImage.mosaics.VignetteBuilder("snappy", bg_color=7)
    builder.add_video(provider)
    with pytest.raises(rushes.Invalid, match="how many frames"):
        builder.frame(0)
    asked.clear()
    builder.add_video(counting(6), time_offset=2)
    builder.add_video(provider, time_offset=3, transform_func=lambda own, frame: 255.0 - frame)
    builder.add_video(provider, sampling_rate_multiplier=2)
    assert builder.get_total_duration() == 8
    shown = [frame[5, 5::20, 0].tolist() for frame in builder.frames()]
    # The first counts, the third begins at frame 3, the last goes half as fast.
    assert shown[0] == [0, 7, 7, 0] and shown[3] == [9, 15, 255, 3] and shown[7] == [21, 55, 243, 9]
    assert len(shown) == 8 and max(asked) == 7
    provider.step = 5.0
    assert builder.frame(7)[5, 5, 0] == 35
    builder.close()


def test_what_stands_first_and_titles() -> None:
    builder = pImage.mosaics.VignetteBuilder("snappy", alignment="horizontal", first_object=1)
    builder.add_video(counting(3))
    builder.add_video(counting(3, 40, 10) + 100)
    # The second stands left, and is scaled to the height of the first.
    assert builder.frame(2).shape == (20, 25, 3)
    assert builder.frame(2)[10, [2, 15], 0].tolist() == [125, 25]
    builder.set_fit_to(1)
    assert builder.frame(2).shape == (40, 50, 3)
    builder.set_first_object(0)
    assert builder.frame(2)[10, [15, 45], 0].tolist() == [25, 125]
    builder.set_first_object(2)
    with pytest.raises(rushes.Invalid, match="first_object is 2"):
        builder.frame(0)
    builder.set_first_object(0)
    for name, value in (("fit_to", 0), ("add_border", 1), ("add_padding", 2)):
        with pytest.warns(DeprecationWarning, match=f"{name} is now set_"):
            getattr(builder, name)(value)
    assert builder.frame(2).shape == (22, 29, 3)
    builder.close()

    title = pImage.mosaics.get_title_band(
        counting(1)[:, :, 0], "I", height=30, bg_color="navy", fontsize=20, color="white"
    )
    assert title.shape == (30, 20, 3) and title.dtype == "uint8"
    assert (title[-1] == (0, 0, 128)).all() and title.max() > 200

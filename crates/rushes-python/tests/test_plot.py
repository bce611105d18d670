"""Plots: that what is drawn stands where the numbers say, against NumPy and Matplotlib."""

from __future__ import annotations

import importlib
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy
import pytest
from numpy.typing import NDArray

import rushes
from clips import Clips, clips

__all__ = ["clips"]


def colored(plot: rushes.plot.Plot, color: tuple[int, int, int]) -> NDArray[Any]:
    """Where a colour is: [N, 2] of x and y in pixels."""
    far = abs(plot.array[..., :3].astype(int) - numpy.array(color)).sum(axis=2)
    y, x = numpy.nonzero(far < 60)
    return numpy.stack([x + 0.5, y + 0.5], axis=1)


def test_a_line_goes_where_its_numbers_are() -> None:
    x = numpy.linspace(-3, 5, 400)
    plot = rushes.plot.line(x**2, x=x, colors=[(1, 0, 0)], title="Square", x_label="x", y_label="y")
    assert plot.array.shape == (400, 640, 3) and plot.array.dtype == numpy.uint8
    assert plot.area is not None and plot.area.x == (-3, 5)
    found = colored(plot, (255, 0, 0))
    assert len(found) > 500
    # Back from pixels to numbers.
    area = plot.area
    at = area.x[0] + (found[:, 0] - area.left_px) / (area.right_px - area.left_px) * 8
    rows = numpy.array([plot.pixel(one, one**2)[1] for one in at])
    steep = abs(2 * at) * (area.bottom_px - area.top_px) / (area.y[1] - area.y[0]) * 8 / 500
    assert (abs(rows - found[:, 1]) < 2 + steep).all()


def test_several_lines_have_names_and_colours() -> None:
    one = rushes.plot.line([0, 1, 2], [2, 1, numpy.nan], names=["up", "down"])
    assert len(colored(one, (0, 114, 178))) > 100 and len(colored(one, (213, 94, 0))) > 100
    small = rushes.plot.line(
        [1, 2], width_px=200, height_px=100, ground=(0, 0, 0, 0), ink=(1, 1, 1)
    )
    assert small.array.shape == (100, 200, 4)
    assert small.array[0, 0, 3] == 0
    wrong: list[Callable[[], Any]] = [
        lambda: rushes.plot.line(),
        lambda: rushes.plot.line([[1, 2]]),
        lambda: rushes.plot.line([numpy.nan]),
        lambda: rushes.plot.line([1, 2], x=[1]),
        lambda: rushes.plot.line(["a"]),
        lambda: rushes.plot.line([1, 2], width_px=0),
        lambda: rushes.plot.line([1, 2], width_px=1 << 40),
        lambda: rushes.plot.line([1, 2], ink=(1, 0)),
        lambda: rushes.plot.image([[1.0, 2.0]], map="no such map"),
        lambda: rushes.plot.spectrogram(numpy.zeros(10), 8000),
    ]
    for call in wrong:
        with pytest.raises((rushes.Invalid, ValueError)):
            call()
    with pytest.raises(TypeError, match="takes no dpi"):
        rushes.plot.line([1, 2], dpi=100)  # type: ignore[call-arg]


def test_a_histogram_is_numpys() -> None:
    values = numpy.random.default_rng(5).normal(size=(50, 40))
    plot = rushes.plot.histogram(values, bins=10, width_px=800)
    counts, edges = numpy.histogram(values, 10)
    assert plot.area is not None
    assert numpy.allclose(plot.area.x, (edges[0], edges[-1]))
    for count, left, right in zip(counts, edges, edges[1:], strict=False):
        x, top = plot.pixel((left + right) / 2, count)
        column = plot.array[: int(plot.area.bottom_px), int(x)].astype(int)
        blue = numpy.nonzero(abs(column - (0, 114, 178)).sum(axis=1) < 60)[0]
        assert abs((blue[0] if len(blue) else plot.area.bottom_px) - top) <= 1.5


def test_an_array_has_its_colours() -> None:
    array = numpy.arange(12).reshape(3, 4)
    plot = rushes.plot.image(array, map="hot", x=(0, 4), y=(3, 0))
    colours = rushes.ops.colormap((array / 11).astype("float32"), map="hot")
    for row in range(3):
        for column in range(4):
            x, y = plot.pixel(column + 0.5, row + 0.5)
            found = plot.array[int(y), int(x)].astype(int)
            assert abs(found - colours[row, column] * 255).max() <= 2


def test_spectra_are_numpys() -> None:
    samples = numpy.random.default_rng(6).uniform(-1, 1, 5000).astype("float32")
    found = rushes.ops.stft(samples, window_samples=512, hop_samples=100)
    window = numpy.hanning(513)[:-1]
    wanted = numpy.stack(
        [abs(numpy.fft.rfft(samples[at : at + 512] * window)) for at in range(0, 4489, 100)]
    )
    wanted *= 2 / window.sum()
    wanted[:, [0, -1]] /= 2
    assert found.shape == wanted.shape == (45, 257) and found.dtype == numpy.float32
    assert numpy.allclose(found, wanted, atol=1e-5)
    found[0, 0] = 1
    assert (
        rushes.ops.stft(samples[:, None], window_samples=512, hop_samples=100)[1] == found[1]
    ).all()
    for wrong in (samples[:100], numpy.zeros((2000, 2)), numpy.zeros(2000, "int16")):
        with pytest.raises(rushes.Invalid):
            rushes.ops.stft(wrong)
    assert "stft" in rushes.ops.__all__ and not hasattr(rushes.Stream, "stft")


def test_a_spectrogram_shows_a_tone_where_it_is() -> None:
    rate = 8000
    tone = numpy.sin(2 * numpy.pi * 1000 * numpy.arange(rate * 2) / rate)
    plot = rushes.plot.spectrogram(tone, rate, window_samples=256, hop_samples=64, map="hot")
    assert plot.area is not None and abs(plot.area.y[1] - 4000) < 20
    x, y = plot.pixel(1, 1000)
    bright = plot.array[:, int(x)].sum(axis=1)[int(plot.area.top_px) : int(plot.area.bottom_px)]
    assert abs(int(bright.argmax()) + plot.area.top_px - y) < 4


def test_a_plot_follows_a_video(clips: Clips, tmp_path: Path) -> None:
    with rushes.open(clips["variable.mp4"]) as video:
        bright = [frame.mean() for frame in video.frames()]
        plot = rushes.plot.line(bright, x=numpy.asarray(video.times), width_px=300, height_px=150)
        beside = plot.follow(video)
        assert beside.duration == video.duration and beside.fps == video.fps
        frames = list(beside.timed())
        assert [time for time, _ in frames] == list(video.times)
        for time, frame in frames[1:]:
            assert time is not None
            changed = numpy.nonzero((frame != plot.array).any(axis=(0, 2)))[0]
            x, _ = plot.pixel(time, 0)
            assert changed.min() - 1 <= x - 0.75 and x + 0.75 <= changed.max() + 2
        both = rushes.mosaic([video, beside], layout="column")
        count = both.write(tmp_path / "both.mp4")
        assert count == len(rushes.open(tmp_path / "both.mp4")) > 100
        late = plot.follow(rushes.Stream(video).at_rate(10), offset=2)
        times = [time for time, _ in late.timed()]
        assert times == [Fraction(k, 10) for k in range(len(times))]
        assert abs(len(times) - float(video.duration) * 10) <= 1
        assert (next(iter(late)) == plot.at(2)).all()
        assert (plot.at(1e9) == plot.array).all()
    with pytest.raises(rushes.Invalid, match="no rate or no end"):
        plot.follow(rushes.Stream(numpy.zeros((2, 2), "uint8")))
    # Where a picture goes.
    rushes.imwrite(tmp_path / "plot.png", plot)
    assert (rushes.imread(tmp_path / "plot.png") == plot.array).all()
    assert next(iter(rushes.Stream(plot).resize(width_px=30))).shape == (15, 30, 3)


def test_fields_are_made_into_frames_as_ffmpeg_does(clips: Clips) -> None:
    source = clips["plain.mp4"]
    frames = rushes.open(source, format="gray")[:40]
    for first, parity in (("top", "tff"), ("bottom", "bff")):
        whole = rushes.Stream(frames, fps=25).deinterlace(first=first)  # type: ignore[arg-type]
        assert whole.fps == 50 and whole.duration == Fraction(40, 25)
        timed = list(whole.timed())
        assert [time for time, _ in timed] == [Fraction(n, 50) for n in range(80)]
        line = ["ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "gray", "-s", "192x96"]
        line += [
            "-r",
            "25",
            "-i",
            "-",
            "-vf",
            f"w3fdif=complex:parity={parity}",
            "-f",
            "rawvideo",
            "-",
        ]
        done = subprocess.run(line, input=frames.tobytes(), stdout=subprocess.PIPE, check=True)
        wanted = numpy.frombuffer(done.stdout, "uint8").reshape(-1, 96, 192)
        assert len(wanted) >= 78
        for at in range(2, 76):
            # Rounding, and other lines at the border.
            off = abs(wanted[at].astype(int) - timed[at][1])[8:-8]
            assert off.max() <= 1, (first, at)
    half = rushes.Stream(frames, fps=25).deinterlace(both=False, filter="simple")
    assert half.fps == 25 and len(list(half)) == 40
    with pytest.raises(rushes.Invalid, match='"top" or "bottom"'):
        rushes.Stream(frames).deinterlace(first="left")  # type: ignore[arg-type]


def test_a_figure_of_matplotlibs_is_a_frame() -> None:
    figures: Any = pytest.importorskip("matplotlib.figure", reason="Matplotlib is not installed")
    figure = figures.Figure(figsize=(4, 3), dpi=50)
    before = figure.canvas
    axes = figure.subplots()
    axes.plot([1, 2, 3])
    plot = rushes.plot.figure(figure)
    assert plot.array.shape == (150, 200, 3) and figure.canvas is before
    agg: Any = importlib.import_module("matplotlib.backends.backend_agg")
    canvas = agg.FigureCanvasAgg(figure)
    canvas.draw()
    assert (numpy.asarray(canvas.buffer_rgba())[..., :3] == plot.array).all()
    figure.patch.set_alpha(0)
    assert rushes.plot.figure(figure).array.shape == (150, 200, 4)
    with pytest.raises(rushes.Invalid, match="Matplotlib"):
        plot.at(1)

"""Clips whose frames carry their number, readable after lossy coding; made with the ffmpeg command."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy
import pytest
from numpy.typing import NDArray

WIDTH, HEIGHT = 192, 96
BITS, BLOCK_PX, CODE_ROWS = 9, 16, 32
# Of the master that clips are made of.
FRAMES = 150

X264 = "-c:v libx264 -preset veryfast -pix_fmt yuv420p"
OPEN = "-x264-params open-gop=1:bframes=3:b-pyramid=normal:scenecut=0"
MASTER = "-f rawvideo -pixel_format gray -video_size 192x96 -framerate 30 -i master.gray"
FEWER = "select='lt(n,50)+not(mod(n,3))*lt(n,100)+not(mod(n,7))'"
# How each is made: from what, and the arguments.
CLIPS = {
    "plain.mp4": (MASTER, f"{X264} -bf 3 -g 30"),
    "open.mkv": (MASTER, f"{X264} -g 20 {OPEN}"),
    "variable.mp4": (
        MASTER,
        f"-vf {FEWER} -fps_mode vfr -video_track_timescale 90000 {X264} -bf 3 -g 25",
    ),
    "edit.mp4": ("-ss 1.6 -i plain.mp4", "-t 2.5 -c copy"),
    "stream.ts": ("-i plain.mp4", "-c copy"),
    # Sound starts half a second before the picture.
    "late.mp4": (
        "-itsoffset 0.5 -i plain.mp4 -f lavfi -i sine=duration=5 -map 0:v -map 1:a",
        "-c copy -c:a aac",
    ),
    "turned.mp4": ("-i plain.mp4", "-c copy"),
    # Ten bits, and colours.
    "colours.mkv": (
        "-f lavfi -i testsrc2=size=192x96:rate=25:duration=1",
        "-c:v ffv1 -pix_fmt yuv444p10le -colorspace bt709 -color_range tv",
    ),
    # One group of pictures: its index needs everything decoded.
    "long.mp4": (
        "-f lavfi -i testsrc2=size=1280x720:rate=30:duration=30",
        "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 10000 -crf 28",
    ),
}
BARCODED = ["plain.mp4", "open.mkv", "variable.mp4", "edit.mp4", "stream.ts", "late.mp4"]


def drawn(number: int) -> NDArray[numpy.uint8]:
    """A frame of the master: a mark, its number, the lowest bit's complement; below it, something
    that moves."""
    y, x = numpy.mgrid[0:HEIGHT, 0:WIDTH]
    blocks = numpy.zeros(WIDTH // BLOCK_PX, int)
    blocks[: BITS + 2] = [1, *((number >> bit) & 1 for bit in range(BITS)), 1 - (number & 1)]
    moving = (x * 2 + y + number * 5) % 200 + 20
    frame = numpy.where(y < CODE_ROWS, 16 + 219 * blocks[x // BLOCK_PX], moving)
    return numpy.asarray(frame, numpy.uint8)


def code(luma: NDArray[Any]) -> int | None:
    """The number in a frame of luma; None when there is none."""
    rows = luma[6 : CODE_ROWS - 6].reshape(-1, WIDTH // BLOCK_PX, BLOCK_PX)
    blocks = rows[:, :, 4:-4].mean(axis=(0, 2)) > 127
    number = sum(int(bit) << place for place, bit in enumerate(blocks[1 : BITS + 1]))
    return number if blocks[0] and bool(blocks[BITS + 1]) == (number % 2 == 0) else None


class Clips:
    """Makes each clip when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getitem__(self, name: str) -> Path:
        path = self.folder / name
        if path.exists():
            return path
        given, made = CLIPS[name]
        if "plain.mp4" in given:
            self["plain.mp4"]
        if "master.gray" in given:
            frames = b"".join(drawn(number).tobytes() for number in range(FRAMES))
            (self.folder / "master.gray").write_bytes(frames)
        line = ["ffmpeg", "-v", "error", "-nostdin", "-y", *given.split(), *made.split(), name]
        subprocess.run(line, cwd=self.folder, check=True)
        if name == "turned.mp4":
            turn(path)
        return path


def turn(path: Path) -> None:
    """Gives an MP4 file a display matrix that turns it by a quarter clockwise."""
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 44
    for place, value in ((0, 0), (1, 1), (3, -1), (4, 0)):
        start = matrix + place * 4
        data[start : start + 4] = (value << 16).to_bytes(4, "big", signed=True)
    path.write_bytes(data)


@functools.cache
def missing() -> str | None:
    """The program that clips need and that is not here."""
    return next((name for name in ("ffmpeg", "ffprobe") if not shutil.which(name)), None)


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    """The clips; the test is skipped where there is no ffmpeg."""
    if missing():
        pytest.skip(f"the {missing()} command is not installed")
    return Clips(tmp_path_factory.mktemp("clips"))


def decoded(
    path: Path, pixels: str, shape: tuple[int, ...], dtype: str = "uint8", most: int = 1000
) -> NDArray[Any]:
    """What ffmpeg decodes, not turned: [T, *shape]."""
    line = ["ffmpeg", "-v", "error", "-nostdin", "-noautorotate", "-i", str(path), "-map", "0:v:0"]
    line += ["-fps_mode", "passthrough", "-sws_flags", "bicubic+accurate_rnd+full_chroma_int"]
    line += ["-frames:v", str(most), "-pix_fmt", pixels, "-f", "rawvideo", "-"]
    done = subprocess.run(line, stdout=subprocess.PIPE, check=True)
    return numpy.frombuffer(done.stdout, dtype).reshape(-1, *shape)


def probed(path: Path) -> dict[str, Any]:
    """What ffprobe says of the file and of every frame."""
    line = ["ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_frames"]
    line += ["-select_streams", "v:0", str(path)]
    done = subprocess.run(line, stdout=subprocess.PIPE, check=True)
    said: dict[str, Any] = json.loads(done.stdout)
    return said

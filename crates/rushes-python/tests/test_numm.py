"""Files through the functions of numm, compared with what ffmpeg makes of them."""

from __future__ import annotations

import pickle
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy
import pytest
from clips import FRAMES, Clips, clips, code, missing, turn
from numpy.typing import NDArray

import rushes
from rushes.compat import numm

__all__ = ["clips"]


def made(folder: Path, line: str, name: str) -> Path:
    """A file that ffmpeg writes."""
    if missing():
        pytest.skip(f"the {missing()} command is not installed")
    words = ["ffmpeg", "-v", "error", "-nostdin", *line.split(), name]
    subprocess.run(words, cwd=folder, check=True)
    return folder / name


def samples_of(path: Path, line: str = "") -> NDArray[numpy.int16]:
    """A sound as ffmpeg gives it: int16, two channels unless told otherwise."""
    words = [
        "ffmpeg",
        "-v",
        "error",
        "-nostdin",
        "-i",
        str(path),
        *line.split(),
        "-f",
        "s16le",
        "-",
    ]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True)
    return numpy.frombuffer(done.stdout, numpy.int16).reshape(-1, 2)


def numbers(frames: Any) -> list[int | None]:
    """What the frames of a clip carry, where they are as wide as it."""
    return [code(frame[:, :, 1]) for frame in frames]


def test_names() -> None:
    assert set(numm.__all__) >= {
        "sound2np", "np2sound", "sound_chunks", "image2np", "np2image", "video2np", "np2video",
        "video_frames", "opencv",
    }  # fmt: skip
    picture = numpy.arange(24, dtype="uint8").reshape(2, 4, 3)
    swapped = numm.opencv.np2cv(picture)
    assert swapped[1, 2].tolist() == picture[1, 2].tolist()[::-1] and swapped.flags.c_contiguous
    assert (numm.opencv.cv2np(swapped) == picture).all()
    assert numm.opencv.np2cv(picture[:, :, 0]).shape == (2, 4)
    with pytest.raises(rushes.Invalid):
        numm.opencv.np2cv(picture[None])


def test_a_sound_is_the_same_int16_samples(tmp_path: Path) -> None:
    line = "-f lavfi -i aevalsrc=sin(440*t)|random(0)-0.5:s=44100:d=1.3 -c:a flac -sample_fmt s16"
    path = made(tmp_path, line, "two.flac")
    wanted = samples_of(path)
    samples = numm.sound2np(path)
    assert samples.dtype == "int16" and (samples == wanted).all() and len(wanted) == 57330
    assert (numm.sound2np(path, start=5000, n_frames=7000) == wanted[5000:12000]).all()
    assert (numm.sound2np(path, 57000, 9999) == wanted[57000:]).all()
    assert numm.sound2np(path, start=10**9).shape == (0, 2)
    assert numm.sound2np(path, n_frames=0).shape == (0, 2)

    chunks = list(numm.sound_chunks(path, start=5000))
    assert (numpy.concatenate(chunks) == wanted[5000:]).all() and len(chunks) > 10
    counted = 5000
    for chunk in chunks:
        assert isinstance(chunk, numm.NummBuffer) and chunk.dtype == "int16"
        assert chunk.timestamp == counted * 10**9 // 44100
        counted += len(chunk)


def test_sounds_become_stereo_at_44100_hz(tmp_path: Path) -> None:
    line = "-f lavfi -i aevalsrc=random(0)-0.5:s=44100:d=0.5 -sample_fmt s16"
    mono = numm.sound2np(made(tmp_path, line, "mono.wav"))
    # As loud as it was: one channel twice.
    assert (mono == samples_of(tmp_path / "mono.wav", "-af pan=stereo|c0=c0|c1=c0")).all()
    line = "-f lavfi -i aevalsrc=0.3*sin(3000*t)|0.5*sin(2000*t):s=48000:d=0.5"
    slow = made(tmp_path, line, "slow.wav")
    samples, wanted = numm.sound2np(slow), samples_of(slow, "-ar 44100")
    assert abs(len(samples) - 22050) <= 1
    # Two resamplers: away from the ends they differ by less than a thousandth of full scale.
    inner = slice(200, 21800)
    assert abs(samples[inner].astype(int) - wanted[inner]).max() < 33
    assert abs(len(numm.sound2np(slow, sample_rate=8000)) - 4000) <= 1


def test_a_sound_is_written_in_the_format_of_its_name(tmp_path: Path) -> None:
    samples = numpy.random.default_rng(1).integers(-32768, 32768, (5000, 2), "int16")
    for name in ("noise.wav", "noise.flac"):
        numm.np2sound(samples, tmp_path / name)
        assert (numm.sound2np(tmp_path / name) == samples).all()
    assert (tmp_path / "noise.flac").read_bytes()[:4] == b"fLaC"
    numm.np2sound(samples[:, 0], tmp_path / "one.wav")
    read, rate = rushes.aread(tmp_path / "one.wav")
    assert rate == 44100 and (read * 32768 == samples[:, :1]).all() and read.shape[1] == 2
    for wrong in (samples / 2, samples[None], samples.repeat(2, axis=1)):
        with pytest.raises(rushes.Invalid):
            numm.np2sound(wrong, tmp_path / "wrong.wav")


def test_images_are_rgb_of_eight_bits(tmp_path: Path) -> None:
    kinds = ("rgb24", "gray", "rgba", "rgb48be")
    # One command writes them all, and as RGB beside each.
    line = "-f lavfi -i testsrc2=size=64x40:rate=1:duration=1 "
    line += " ".join(f"-map 0 -frames:v 1 -pix_fmt {pixels} {pixels}.png" for pixels in kinds)
    made(tmp_path, f"{line} -map 0 -frames:v 1", "all.png")
    line = " ".join(f"-i {pixels}.png" for pixels in kinds)
    for number, pixels in enumerate(kinds):
        line += f" -map {number} -pix_fmt rgb24 -f rawvideo {pixels}.raw"
    made(tmp_path, f"{line} -map 0", "all.bmp")
    for pixels in kinds:
        path = tmp_path / f"{pixels}.png"
        wanted = numpy.fromfile(tmp_path / f"{pixels}.raw", "uint8").reshape(40, 64, 3)
        picture = numm.image2np(path)
        assert picture.dtype == "uint8" and picture.flags.c_contiguous
        # 16 bits are rounded here and cut there.
        assert abs(picture.astype(int) - wanted).max() <= (1 if "48" in pixels else 0)
        numm.np2image(picture, tmp_path / "again.png")
        assert (numm.image2np(tmp_path / "again.png") == picture).all()
    with pytest.raises(AssertionError, match="nparr must be uint8"):
        numm.np2image(picture / 2, tmp_path / "wrong.png")
    rushes.imwrite(tmp_path / "float.tif", picture / 255)
    with pytest.raises(rushes.Unsupported, match="rushes.imread"):
        numm.image2np(tmp_path / "float.tif")


def test_frames_are_those_of_thirty_a_second(clips: Clips) -> None:
    frames = numm.video2np(clips["plain.mp4"])
    assert frames.shape == (FRAMES, 96, 192, 3) and frames.dtype == "uint8"
    assert numbers(frames) == list(range(FRAMES))
    assert numbers(numm.video2np(clips["plain.mp4"], start=140, n_frames=5)) == list(
        range(140, 145)
    )
    assert numbers(numm.video2np(clips["plain.mp4"], start=147, n_frames=50)) == [147, 148, 149]
    assert numbers(numm.video2np(clips["plain.mp4"], fps=10)) == list(range(0, FRAMES, 3))
    assert numbers(numm.video2np(clips["plain.mp4"], fps=60, n_frames=5)) == [0, 0, 1, 1, 2]
    # At each thirtieth of a second the last frame that was shown, where rates vary.
    video = rushes.open(clips["variable.mp4"], format="gray")
    shown = {k: code(video.at(Fraction(k, 30))) for k in range(int(video.duration * 30))}
    assert numbers(numm.video2np(video.path))[: len(shown)] == list(shown.values())
    # Seeking past the end ends.
    assert numm.video2np(clips["plain.mp4"], start=10**12).shape == (0, 96, 192, 3)
    assert list(numm.video_frames(clips["plain.mp4"], start=10**12)) == []


def test_sizes_are_multiples_of_four(clips: Clips) -> None:
    def shape(name: str, width: int | None, height: int | None = 96) -> tuple[int, ...]:
        return numm.video2np(clips[name], width, height, n_frames=1).shape[1:3]

    assert shape("plain.mp4", None, None) == (96, 192)
    assert shape("plain.mp4", None, 50) == (48, 100)
    assert shape("plain.mp4", 67) == (96, 64)
    assert shape("plain.mp4", 63, None) == (28, 60)
    assert shape("plain.mp4", 4, None) == (4, 4)
    # It is 96 wide and 192 high once it is upright.
    assert shape("turned.mp4", None, 96) == (96, 48)
    with pytest.raises(rushes.Invalid):
        shape("plain.mp4", 3)


def test_pixels_that_are_not_square(tmp_path: Path) -> None:
    line = "-f lavfi -i testsrc2=size=64x64:rate=30:duration=0.2 -vf setsar=2 -c:v mpeg4"
    path = made(tmp_path, line, "wide.mp4")
    assert numm.video2np(path).shape == (6, 96, 192, 3)
    turn(path)
    assert numm.video2np(path).shape == (6, 96, 48, 3)


def test_frames_one_by_one_know_their_time(clips: Clips) -> None:
    frames = list(numm.video_frames(clips["plain.mp4"], start=2, n_frames=3))
    assert [frame.timestamp for frame in frames] == [66666666, 100000000, 133333333]
    assert (numpy.stack(frames) == numm.video2np(clips["plain.mp4"], start=2, n_frames=3)).all()
    part: Any = frames[1][:10]
    assert part.timestamp == 100000000
    # Drawing into one leaves the same frame, shown again, as it is.
    drawn = [frame.max() for frame in numm.video_frames(clips["plain.mp4"], fps=60, n_frames=2)]
    for frame in numm.video_frames(clips["plain.mp4"], fps=60, n_frames=2):
        assert frame.max() == drawn.pop(0)
        frame[:] = 0


def test_a_video_is_written_in_the_format_of_its_name(tmp_path: Path) -> None:
    frames = numpy.zeros((45, 48, 64, 3), "uint8")
    frames[:, :, :, 0] = numpy.arange(45)[:, None, None] * 5
    for name in ("fade.mp4", "fade.mkv", "fade.avi"):
        numm.np2video(frames, tmp_path / name)
        video = rushes.open(tmp_path / name)
        assert video.shape == (45, 48, 64, 3) and video.fps == 30
        # Lossy, and red is stored at half the size.
        assert abs(numm.video2np(tmp_path / name, height=None).astype(int) - frames).max() < 16
    with pytest.raises(rushes.Unsupported):
        numm.np2video(frames, tmp_path / "fade.wmv")
    with pytest.raises(rushes.Invalid):
        numm.np2video(frames / 255, tmp_path / "fade.mp4")


@pytest.mark.parametrize(
    "read", [numm.video2np, numm.video_frames, numm.sound2np, numm.sound_chunks, numm.image2np]
)
def test_what_cannot_be_read_is_a_runtime_error(read: Any, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError) as missed:
        read(tmp_path / "none.mp4")
    assert isinstance(missed.value, rushes.NotFound) and isinstance(missed.value, OSError)
    assert type(pickle.loads(pickle.dumps(missed.value))) is numm.NotFound
    (tmp_path / "text.mp4").write_text("no media here" * 100)
    with pytest.raises(RuntimeError):
        read(tmp_path / "text.mp4")


def test_what_takes_too_much_memory_is_refused(
    clips: Clips, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rushes, "memory_budget_bytes", 100_000, raising=False)
    with pytest.raises(rushes.NotEnoughMemory):
        numm.video2np(clips["plain.mp4"])
    with pytest.raises(MemoryError, match="sound_chunks"):
        numm.sound2np(media / "Studio" / "sweep.flac")
    assert len(numm.video2np(clips["plain.mp4"], height=32, n_frames=10)) == 10
    assert sum(1 for _ in numm.video_frames(clips["plain.mp4"])) == FRAMES
    with pytest.raises(rushes.Invalid):
        numm.video2np(clips["plain.mp4"], start=-1)


def test_what_cannot_be_written_is_a_runtime_error(tmp_path: Path) -> None:
    frames = numpy.zeros((2, 8, 8, 3), "uint8")
    writes: list[Any] = [
        lambda path: numm.np2video(frames, path),
        lambda path: numm.np2sound(frames[0, :, :2, 0].astype("int16"), path),
        lambda path: numm.np2image(frames[0], path),
    ]
    for write in writes:
        with pytest.raises(RuntimeError, match="xyz") as caught:
            write(tmp_path / "a.xyz")
        assert isinstance(caught.value, rushes.Unsupported)
    assert list(tmp_path.iterdir()) == []


def test_its_own_examples_names_are_written(tmp_path: Path) -> None:
    """ "fade.ogg" is what numm's example is called."""
    fade = numpy.repeat(numpy.arange(0, 250, 10, dtype="uint8"), 48 * 64 * 3).reshape(-1, 48, 64, 3)
    numm.np2video(fade, tmp_path / "fade.ogg")
    read = numm.video2np(tmp_path / "fade.ogg", height=None)
    assert read.shape == fade.shape and abs(read.astype(int) - fade).max() <= 4
    assert (tmp_path / "fade.ogg").read_bytes()[:4] == b"OggS"
    samples = numpy.arange(2000, dtype="int16").reshape(-1, 2)
    numm.np2sound(samples, tmp_path / "noise")
    assert (tmp_path / "noise").read_bytes()[:4] == b"RIFF"
    assert (numm.sound2np(tmp_path / "noise") == samples).all()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fade.ogg", "noise"]

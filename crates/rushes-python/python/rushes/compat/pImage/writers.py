"""`VideoWriter`: frames to a file, of the kind that its extension names."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterable
from typing import Any, Self, SupportsFloat

import numpy

from ..._errors import Invalid
from ..._still import imwrite
from ..._writer import VideoWriter as _Writer
from ._frames import Array, Unsupported, saturated

Path = str | os.PathLike[str]
WHAT = "writing the video"

# Codecs by the four letters that OpenCV knows them by.
FOURCC = {
    "avc1": "h264", "av01": "av1", "divx": "mpeg4", "ffv1": "ffv1", "fmp4": "mpeg4",
    "h264": "h264", "hev1": "hevc", "hevc": "hevc", "hvc1": "hevc", "mjpg": "mjpeg",
    "mp4v": "mpeg4", "vp09": "vp9", "vp90": "vp9", "x264": "h264", "xvid": "mpeg4",
}  # fmt: skip
CONVERSIONS = ("RGB2BGR", "HSV2BGR", "BGRA2BGR", "RGBA2BGR", None)


class DefaultWriter:
    """A video that is being written; the file is begun with the first frame, which has its size.

    path: the file; folders that are not there are made.
    fps: frames a second: a number, a Fraction, or text such as "30000/1001".
    codec: four letters as OpenCV has them, or a name of `rushes.VideoWriter`; None for the
        format's usual one.
    dtype: only "uint8".
    rgbconv: what frames of colour are: "RGB2BGR" RGB, "RGBA2BGR" RGBA, "BGRA2BGR" BGRA, "HSV2BGR"
        HSV with hues of 0 to 179, None BGR. Opacity is left out.
    root: a folder before the path. filename: a name behind it.
    compat: floats wrap around beyond 0 to 255, as in easimage; else they saturate.

    The file gets its name when the writer is closed. Where the `with` block ends with an
    exception, there is what was there before.
    """

    codec: str | None = None

    def __init__(
        self,
        path: Path,
        *,
        fps: SupportsFloat | str = 30,
        codec: str | None = None,
        dtype: Any = "uint8",
        rgbconv: str | None = "RGB2BGR",
        root: Path | None = None,
        filename: str | None = None,
        quality: int | None = None,
        compat: bool = False,
    ) -> None:
        if numpy.dtype(dtype) != numpy.uint8:
            raise Invalid(WHAT, f"dtype is {dtype!r}", 'it may be "uint8"')
        if rgbconv not in CONVERSIONS:
            known = ", ".join(map(str, CONVERSIONS))
            raise Invalid(WHAT, f"rgbconv is {rgbconv!r}", f"it may be {known}")
        self.path = joined(path, root, filename)
        self.fps, self.compat = fps, bool(compat)
        chosen = self.codec if codec is None else codec
        self.codec = None if chosen is None else FOURCC.get(chosen.lower(), chosen)
        self._rgbconv, self._quality = rgbconv, quality
        self._plays = 0
        self._writer: _Writer | None = None

    def open(self) -> None:
        """Nothing: the file is begun with the first frame, whose size it has."""

    def write(self, frame: Array) -> None:
        """Writes the next frame: [H, W] grey, or colour as `rgbconv` says."""
        picture = self._colored(numpy.asarray(frame))
        if self._writer is None:
            self._writer = self._begun()
        self._writer.write(picture)

    def write_from(self, frames: Iterable[Array]) -> None:
        """Writes all of these, a dot on stderr for each where that is a terminal."""
        dots = "." if sys.stderr.isatty() else ""
        for frame in frames:
            self.write(frame)
            sys.stderr.write(dots)
        sys.stderr.write("\n" if dots else "")

    def copy_from(self, frames: Iterable[Array]) -> None:
        """The same, under the name that easimage promised."""
        self.write_from(frames)

    def close(self) -> None:
        """Writes what is left and gives the file its name. Without a frame there is no file, and
        a UserWarning."""
        writer, self._writer = self._writer, None
        if writer is None:
            warnings.warn("No data has been given, video was not created", stacklevel=2)
        else:
            writer.close()

    def abandon(self) -> None:
        """Gives up what was written."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.__exit__(RuntimeError)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *exception: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def _begun(self) -> _Writer:
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        told: dict[str, Any] = {"codec": self.codec, "quality": self._quality}
        return _Writer(self.path, fps=self.fps, plays=self._plays, **told)

    def _colored(self, frame: Array) -> Array:
        """As RGB of uint8."""
        if self.compat and frame.dtype.kind == "f":
            frame = numpy.nan_to_num(frame).astype(numpy.int64).astype(numpy.uint8)
        frame = saturated(frame)
        if frame.ndim == 2:
            return frame[:, :, None].repeat(3, axis=2)
        if frame.ndim != 3 or frame.shape[2] not in (3, 4):
            shape = "x".join(map(str, frame.shape))
            raise Invalid(WHAT, f"the array's shape is {shape}", "it may be [H, W] or [H, W, 3]")
        if self._rgbconv in (None, "BGRA2BGR"):
            return frame[:, :, 2::-1]
        return rgb_of(frame) if self._rgbconv == "HSV2BGR" else frame[:, :, :3]


class AviWriter(DefaultWriter):
    """Motion JPEG in `.avi`."""

    codec = "mjpeg"


class MP4Writer(DefaultWriter):
    """H.264 in `.mp4`, `.m4v` and `.mov`."""


class MKVWriter(DefaultWriter):
    """H.264 in `.mkv`, VP9 in `.webm`."""


class GifWriter(DefaultWriter):
    """An animated GIF that is played without an end.

    framerate: frames a second.
    seamless: go back to the start as it came: 0, 1, 2, 3, 2, 1. Only then frames stay in memory.
    optimize: changes nothing: palettes always follow the picture, and what stays is left out.
    infinite: if False, it is played once.
    """

    def __init__(
        self,
        path: Path,
        *,
        framerate: SupportsFloat | str = 33.3,
        seamless: bool = False,
        optimize: bool = True,
        infinite: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(path, **{"fps": framerate, **options})
        self._plays = 0 if infinite else 1
        self._seamless, self._kept = seamless, list[Array]()

    def write(self, frame: Array) -> None:
        super().write(frame)
        if self._seamless:
            self._kept.append(numpy.array(frame))

    def close(self) -> None:
        for frame in self._kept[-2:0:-1]:
            super().write(frame)
        self._kept.clear()
        super().close()


class TiffWriter(DefaultWriter):
    """One file a frame in the folder of `path`: `{stem}_{i:05d}.tiff`. They keep uint8, uint16 and
    float32."""

    def __init__(
        self,
        path: Path,
        *,
        root: Path | None = None,
        filename: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(path, root=root, filename=filename, **options)
        self._number = 0

    def write(self, frame: Array) -> None:
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        stem, _ = os.path.splitext(self.path)
        imwrite(f"{stem}_{self._number:05d}.tiff", frame)
        self._number += 1

    def close(self) -> None:
        if not self._number:
            warnings.warn("No data has been given, video was not created", stacklevel=2)


WRITERS: dict[str, type[DefaultWriter]] = {
    ".avi": AviWriter, ".gif": GifWriter, ".m4v": MP4Writer, ".mkv": MKVWriter, ".mov": MP4Writer,
    ".mp4": MP4Writer, ".tif": TiffWriter, ".tiff": TiffWriter, ".webm": MKVWriter,
}  # fmt: skip


def VideoWriter(
    path: Path, *, root: Path | None = None, filename: str | None = None, **options: Any
) -> DefaultWriter:
    """The writer for a file, by its extension in upper or lower case.

    Raises `Unsupported` (a NotImplementedError) for another one.
    """
    place = joined(path, root, filename)
    extension = os.path.splitext(place)[1].lower()
    if extension not in WRITERS:
        remedy = f"it may be {', '.join(sorted(WRITERS))}"
        raise Unsupported(WHAT, f"the extension is {extension!r}", remedy, place)
    return WRITERS[extension](place, **options)


def joined(path: Path, root: Path | None, filename: str | None) -> str:
    parts = [os.fspath(part) for part in (root, path, filename) if part is not None]
    return os.path.abspath(os.path.join(*parts))


def rgb_of(frame: Array) -> Array:
    """HSV as OpenCV has it in 8 bits (hues of 0 to 179) as RGB, by A. R. Smith's hexcone."""
    hue, saturation, value = (frame[:, :, i].astype(float) for i in range(3))
    channels = []
    for shift in (5, 3, 1):
        k = (shift + hue / 30) % 6
        part = numpy.clip(numpy.minimum(k, 4 - k), 0, 1)
        channels.append(value * (1 - saturation / 255 * part))
    return numpy.asarray(numpy.rint(numpy.dstack(channels)), numpy.uint8)

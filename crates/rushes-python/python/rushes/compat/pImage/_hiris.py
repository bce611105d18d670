"""The parts of a recording of Hiris: the text that states it, and the files of its frames."""

from __future__ import annotations

import configparser
import math
import os
import re
from collections.abc import Iterator
from typing import Any

import numpy

from ... import _memory
from ..._errors import CorruptMedia
from ._frames import Array, Unsupported

Path = str | os.PathLike[str]
WHAT = "reading the recording"
SECTION = "Sequence Settings"
# Such a text has some twenty lines, and a comment.
MOST_BYTES = 1 << 20
# Little-endian, by the bytes of a pixel.
PIXELS: dict[int, numpy.dtype[Any]] = {1: numpy.dtype("uint8"), 2: numpy.dtype("<u2")}


class Corrupt(CorruptMedia, ValueError):
    """The text does not say what its frames are: the ValueError that easimage raises."""


class HirisSeqFile(dict[str, str | int]):
    """What a `.seq` file states: the section "Sequence Settings", each value as it is written.

    file_path: the file, which is `path` then.

    `FrameBinSize` is added: the bytes of one frame, a number. Raises `CorruptMedia`, which is a
    ValueError too here, where there is no such section, or no width, height or bytes of a pixel.
    """

    def __init__(self, file_path: Path) -> None:
        self.path = os.fspath(file_path)
        with open(file_path, "rb") as file:
            text = file.read(MOST_BYTES + 1)
        if len(text) > MOST_BYTES:
            raise self._wrong(f"it has more than {MOST_BYTES} bytes, and such a text has few")
        # Percent signs stand for themselves; a line may say nothing.
        parser = configparser.ConfigParser(interpolation=None, strict=False, allow_no_value=True)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        try:
            # Comments may be in any code page.
            parser.read_string(text.decode("utf-8-sig", "replace"))
            stated = parser[SECTION]
        except (configparser.Error, KeyError):
            raise self._wrong(f"it has no lines of {SECTION!r}") from None
        super().__init__({key: value or "" for key, value in stated.items()})
        sides = [self._number(key) for key in ("Height", "Width", "BytesPerPixel")]
        self["FrameBinSize"] = math.prod(sides)

    def _number(self, key: str) -> int:
        text = str(self.get(key, ""))
        if not re.fullmatch("[0-9]{1,9}", text) or int(text) == 0:
            raise self._wrong(f"its {key} is {text!r}, which is no size")
        return int(text)

    def _wrong(self, why: str) -> Corrupt:
        return Corrupt(WHAT, why, path=self.path)


class HirisBinFile:
    """The frames in one `.bin` file of a recording: [H, W] of uint8, or of uint16 with two bytes
    a pixel.

    file_path: the file.
    seq_file: what its recording states.
    """

    def __init__(self, file_path: Path, seq_file: HirisSeqFile) -> None:
        self.path, self.seq_file = os.fspath(file_path), seq_file

    @property
    def byte_size(self) -> int:
        """The file's bytes."""
        return os.path.getsize(self.path)

    @property
    def frame_bin_size(self) -> int:
        """The bytes of one frame."""
        return int(self.seq_file["FrameBinSize"])

    @property
    def remainder(self) -> int:
        """Bytes at the end that make no whole frame."""
        return self.byte_size % self.frame_bin_size

    @property
    def frames_number(self) -> int:
        """How many whole frames there are."""
        return self.byte_size // self.frame_bin_size

    def frames(self) -> Iterator[Array]:
        """Every whole frame, one after another; memory stays flat."""
        return self._read(range(self.frames_number))

    def get_frame(self, frame_slice: slice) -> list[Array]:
        """The frames of a slice, all of whose numbers must be there; else EOFError."""
        first, end, step = frame_slice.start, frame_slice.stop, frame_slice.step
        count = self.frames_number
        numbers = range(first or 0, count if end is None else end, 1 if step is None else step)
        for number in (numbers[0], numbers[-1]) if numbers else ():
            if not 0 <= number < count:
                raise EOFError(f"there is no frame {number} in {self.path}: it has {count}")
        _memory.check(len(numbers), self.frame_bin_size, self._shape())
        return list(self._read(numbers))

    def _shape(self) -> tuple[int, int]:
        return int(self.seq_file["Height"]), int(self.seq_file["Width"])

    def _read(self, numbers: range) -> Iterator[Array]:
        pixel = PIXELS.get(int(self.seq_file["BytesPerPixel"]))
        if pixel is None:
            why = f"its pixels have {self.seq_file['BytesPerPixel']} bytes; 1 and 2 are read here"
            raise Unsupported(WHAT, why, path=self.path)
        with open(self.path, "rb") as file:
            for number in numbers:
                file.seek(number * self.frame_bin_size)
                content = bytearray(file.read(self.frame_bin_size))
                if len(content) < self.frame_bin_size:
                    raise EOFError(f"frame {number} in {self.path} is cut short")
                yield numpy.frombuffer(content, pixel).reshape(self._shape())

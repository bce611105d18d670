"""`StandardConverter`: one file into another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..._stream import ahead
from ._frames import Array, with_bar
from .readers import DefaultReader, Path, VideoReader
from .writers import DefaultWriter, VideoWriter


class StandardConverter:
    """Reads one file and writes another, each of the kind that its extension names.

        StandardConverter("foo.seq", "bar/foo.avi").start()

    reader: options of `VideoReader`: `{"color": True, "rotate": 1}`. Without `color` it is grey.
    writer: options of `VideoWriter`: `{"fps": 25}`. Without `fps` it is that of the input, in
        compatibility 30.
    start_frame, stop_frame: the first frame that is taken, and the first that is not.
    compat: that of both.

    Frames are read by a thread of their own, a few ahead; memory stays flat.
    """

    def __init__(
        self,
        input_path: Path,
        output_path: Path,
        *,
        reader: Mapping[str, Any] | None = None,
        writer: Mapping[str, Any] | None = None,
        start_frame: int | None = None,
        stop_frame: int | None = None,
        compat: bool = False,
    ) -> None:
        self.reader: DefaultReader = VideoReader(input_path, **{"compat": compat, **(reader or {})})
        self._output, self._options = output_path, {"compat": compat, **(writer or {})}
        self._span = start_frame, stop_frame
        # What cannot be written is said before anything is read.
        self.writer: DefaultWriter = VideoWriter(output_path, **self._options)

    def start(self) -> None:
        """Converts, and prints "Done". A bar tells of more than 100 frames how far it is."""
        timed = {"fps", "framerate"} & set(self._options)
        with self.reader as reader:
            if not timed and not self._options["compat"]:
                self.writer = VideoWriter(self._output, **self._options, fps=reader.fps)
            numbers = range(len(reader))[slice(*self._span)]
            frames: Iterator[Array] = ahead(reader._between(numbers.start, numbers.stop))
            with self.writer as writer:
                for frame in with_bar(frames, len(numbers)):
                    writer.write(frame)
        print("Done")


Standard_Converter = StandardConverter

"""`Planes`: a frame of a video as it is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Planes(Mapping[str, "NDArray[Any]"]):
    """A frame as it is stored: one array [H, W] for each component, nothing converted.

    `planes.y`, `planes["y"]` and `next(iter(planes.values()))` are the same array. The components
    are y, u, v (Cb and Cr), or r, g, b, or y alone; then a, where there is opacity. They stand in
    that order and apart, however they lie in memory: nv12 has a u and a v too. Arrays are uint8
    for up to 8 bits and uint16 for more, 10 bits from 0 to 1023; limited range stays limited.

    format: FFmpeg's name of the pixel format: "yuv420p10le", "nv12", "gbrp".
    bit_depths: bits of the numbers of each component.
    subsampling: pixels across and down that share one number of chroma: (2, 2) for 4:2:0.
    range: "tv" for limited range, "pc" for full; None where the file does not say, as below.
    matrix, primaries, transfer: by FFmpeg's names: "bt2020nc", "bt2020", "smpte2084".
    chroma_location: where chroma lies between pixels: "left", "center", "topleft".
    rotation: the turn in degrees clockwise that sets the frame upright; it was not applied.
    mirrored: whether it is to be mirrored left to right after that turn.
    """

    __slots__ = (
        "_arrays", "bit_depths", "chroma_location", "format", "matrix", "mirrored", "primaries",
        "range", "rotation", "subsampling", "transfer",
    )  # fmt: skip

    bit_depths: dict[str, int]
    chroma_location: str | None
    format: str
    matrix: str | None
    mirrored: bool
    primaries: str | None
    range: str | None
    rotation: int
    subsampling: tuple[int, int]
    transfer: str | None

    def __init__(self, described: tuple[Any, ...], rotation: int, mirrored: bool) -> None:
        import numpy

        self.format, self.subsampling, words, parts = described
        self.matrix, self.range, self.primaries, self.transfer, self.chroma_location = words
        self.rotation, self.mirrored = rotation, mirrored
        self.bit_depths = {part[0]: part[1] for part in parts}
        self._arrays = {
            name: numpy.frombuffer(data, dtype).reshape(height, width)
            for name, _, height, width, dtype, data in parts
        }

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._arrays[name]

    def __getattr__(self, name: str) -> NDArray[Any]:
        if len(name) == 1 and name in self._arrays:
            return self._arrays[name]
        held = "" if name.startswith("_") else f", only {', '.join(self._arrays)}"
        raise AttributeError(f"there is no {name!r}{held}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {a.shape[1]}x{a.shape[0]}" for name, a in self._arrays.items())
        return f"<rushes.Planes {self.format}: {sizes}, range {self.range}, matrix {self.matrix}>"

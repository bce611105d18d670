"""Arrays in chunks, with the zarr package as the other one. Skipped where that is not installed."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy
import pytest

import rushes

zarr: Any = pytest.importorskip("zarr", reason="the zarr package (3.0 or newer) is not installed")


def numbers(dtype: str, channels: tuple[int, ...]) -> Any:
    values = numpy.random.default_rng(3).random((5, 12, 10, *channels)) * 250
    return values.astype(dtype)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [(), (3,), (4,)], ids=str)
def test_zarr_reads_what_was_written(tmp_path: Path, dtype: str, channels: tuple[int, ...]) -> None:
    array = numbers(dtype, channels)
    path = tmp_path / "clip.zarr"
    assert rushes.write(path, array, fps=Fraction(30000, 1001)) == 5
    theirs = zarr.open_array(path, mode="r")
    assert theirs.shape == (5, 12, 10, *(channels or (1,))) and theirs.dtype == dtype
    assert theirs.chunks == (1, *theirs.shape[1:])
    assert numpy.array_equal(theirs[:].reshape(array.shape), array)
    assert theirs.attrs["frame_rate"] == "30000/1001"
    with pytest.raises(rushes.Conflict):
        rushes.write(path, array, fps=25, overwrite=False)
    assert rushes.write(path, array[:2], fps=25) == 2
    assert zarr.open_array(path, mode="r").shape[0] == 2


@pytest.mark.parametrize("compressors", ["auto", None, "gzip"])
@pytest.mark.parametrize("chunks", [(1, 12, 10, 3), (2, 5, 4, 3), (5, 12, 10, 1)], ids=str)
def test_we_read_what_zarr_wrote(tmp_path: Path, compressors: Any, chunks: Any) -> None:
    array = numbers("uint16", (3,))
    if compressors == "gzip":
        compressors = [zarr.codecs.GzipCodec(level=1)]
    path = tmp_path / "clip.zarr"
    theirs = zarr.create_array(
        path, shape=array.shape, dtype="uint16", chunks=chunks, compressors=compressors
    )
    theirs[:] = array
    video = rushes.open(path, fps=24)
    assert video.shape == array.shape and video.fps == 24
    assert numpy.array_equal(video[:], array)
    assert numpy.array_equal(video[3], array[3])

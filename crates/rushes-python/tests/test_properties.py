"""Indexing and slicing against a list, for numbers that nobody thought of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy
import pytest
from numpy.typing import NDArray

import rushes

hypothesis: Any = pytest.importorskip("hypothesis")
settings, examples = hypothesis.settings, hypothesis.strategies
Test = TypeVar("Test", bound=Callable[..., None])

COUNT, ROWS, COLUMNS = 23, 8, 12
# Bounded in number, and so in time; the same ones each time.
RUNS = settings(max_examples=150, deadline=None, derandomize=True, database=None)
BOUNDS = examples.none() | examples.integers(-3 * COUNT, 3 * COUNT)
STEPS = examples.none() | examples.integers(-2 * COUNT, 2 * COUNT).filter(bool)
ANY = examples.integers(-COUNT, COUNT - 1)


def given(*strategies: Any) -> Callable[[Test], Test]:
    """Runs a test with many of these."""

    def many(test: Test) -> Test:
        made: Test = RUNS(hypothesis.given(*strategies)(test))
        return made

    return many


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[rushes.Video, list[Any]]]:
    """A video with B-frames and groups of seven, and its frames in a list."""
    folder = tmp_path_factory.mktemp("properties")
    noise = numpy.random.default_rng(2).integers(0, 256, (COUNT, ROWS, COLUMNS), "uint8")
    rushes.write(folder / "a.mp4", noise, fps="30000/1001")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUSHES_HOME", str(folder / "home"))
        with rushes.open(folder / "a.mp4", format="gray") as video:
            yield video, list(video)


def same(got: NDArray[Any], wanted: list[NDArray[Any]]) -> None:
    assert got.shape == (len(wanted), ROWS, COLUMNS) and got.dtype == "uint8"
    assert numpy.array_equal(got, numpy.array(wanted, "uint8").reshape(got.shape))


@given(BOUNDS, BOUNDS, STEPS)
def test_slices(both: Any, start: int | None, stop: int | None, step: int | None) -> None:
    video, frames = both
    cut = slice(start, stop, step)
    same(video[cut], frames[cut])
    assert [frame.tobytes() for frame in video.frames(cut)] == [f.tobytes() for f in frames[cut]]
    assert video.times[cut] == list(video.times)[cut]


@given(examples.integers(-4 * COUNT, 4 * COUNT))
def test_one(both: Any, number: int) -> None:
    video, frames = both
    for taken in (number, numpy.int16(number)):
        if -COUNT <= number < COUNT:
            assert numpy.array_equal(video[taken], frames[number])
        else:
            with pytest.raises(IndexError):
                video[taken]


@given(examples.lists(ANY, max_size=3 * COUNT), examples.booleans())
def test_lists(both: Any, numbers: list[int], as_array: bool) -> None:
    video, frames = both
    same(video[numpy.array(numbers, int) if as_array else numbers], [frames[i] for i in numbers])


@given(examples.lists(examples.booleans(), min_size=COUNT, max_size=COUNT))
def test_masks(both: Any, mask: list[bool]) -> None:
    video, frames = both
    same(video[numpy.array(mask)], [f for f, is_in in zip(frames, mask, strict=True) if is_in])


@given(examples.lists(ANY, min_size=1), examples.sampled_from([COUNT, -COUNT - 1, 10**18]))
def test_lists_with_one_that_is_not_there(both: Any, numbers: list[int], wrong: int) -> None:
    with pytest.raises(IndexError, match="there is no frame"):
        both[0][[*numbers, wrong]]


@given(examples.fractions(0, COUNT))
def test_times(both: Any, time: Any) -> None:
    video, frames = both
    if time > video.duration:
        with pytest.raises(rushes.Invalid):
            video.at(time)
        return
    shown = max(i for i, begins in enumerate(video.times) if begins <= time or i == 0)
    assert video.index_at(time) == shown
    assert numpy.array_equal(video.at(time), frames[shown])

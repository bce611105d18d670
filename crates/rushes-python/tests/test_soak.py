"""Ten thousand openings: memory stays flat, and no handle stays behind."""

from __future__ import annotations

import gc
import os
import threading
from pathlib import Path
from typing import Any

import numpy
import pytest

import rushes

ROUNDS = 10_000
# What is loaded and cached by then stays.
WARM = 1_000


def resident_bytes() -> int:
    """The memory that this process has now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def handles() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc here")
def test_opening_and_closing_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUSHES_HOME", str(tmp_path / "home"))
    noise = numpy.random.default_rng(1).integers(0, 256, (3, 16, 16, 3), "uint8")
    clip, moving = tmp_path / "a.mp4", tmp_path / "a.gif"
    still, wrong = tmp_path / "a.png", tmp_path / "wrong.mp4"
    sound = tmp_path / "a.flac"
    rushes.write(clip, noise, fps=25)
    rushes.write(moving, noise, fps=25)
    rushes.imwrite(still, noise[0])
    rushes.awrite(sound, numpy.zeros((500, 2), "float32"), 48000)
    wrong.write_bytes(b"nothing" * 100)

    def opened(path: Path, number: int) -> None:
        with rushes.open(path, threads=1) as video:
            # Most are closed as they were opened.
            if number % 10 == 0:
                assert video[1].shape == (16, 16, 3)

    def left_open(path: Path, number: int) -> None:
        video = rushes.open(path, threads=1)
        assert len(video) == 3
        del video

    def refused(path: Path, number: int) -> None:
        with pytest.raises(rushes.Unsupported):
            rushes.open(path)

    # Those that take longest are the fewest: twenty to a turn.
    kinds: list[tuple[Any, Path]] = [
        (opened, clip), (left_open, clip), (opened, moving), (refused, wrong),
        *[(lambda path, _: rushes.open(path).close(), still)] * 5,
        *[(lambda path, _: rushes.imread(path), still)] * 6,
        *[(lambda path, _: rushes.aread(path), sound)] * 5,
    ]  # fmt: skip
    before, threads = (0, 0), threading.active_count()
    for number in range(ROUNDS):
        for_now, path = kinds[number % len(kinds)]
        for_now(path, number // len(kinds))
        if number == WARM:
            gc.collect()
            before = resident_bytes(), handles()
    gc.collect()
    grown = resident_bytes() - before[0]
    print(
        f"grown by {grown / 1024:.0f} KiB; {handles()} handles, {threading.active_count()} threads"
    )
    assert handles() == before[1]
    # 9000 times anything worth losing is more.
    assert grown < 8 << 20
    assert threading.active_count() == threads

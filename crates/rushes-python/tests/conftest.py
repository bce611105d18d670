"""What the tests share. They run on the wheel as it was built, never on the source beside them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import rushes

REPOSITORY = Path(__file__).parents[3]
SAMPLES = REPOSITORY / "samples" / "media"
# Much longer than anything takes; what comes so far hangs.
PATIENCE_SECS = 60
# Files in the folder `many`: enough for an interruption to come in the middle.
MANY = 12_000

Command = Callable[..., Any]


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample media, old enough to count as settled."""
    folder = tmp_path_factory.mktemp("media") / "samples"
    shutil.copytree(SAMPLES, folder)
    settle(folder)
    return folder


def settle(folder: Path) -> None:
    """Makes the files an hour old; a scan waits for those that were written just now."""
    hour_ago = time.time() - 3600
    for path in folder.rglob("*"):
        os.utime(path, (hour_ago, hour_ago))


@pytest.fixture(scope="session")
def assets(media: Path) -> int:
    """How many of them are media."""
    return sum(path.is_file() and path.suffix not in (".xmp", ".srt") for path in media.rglob("*"))


@pytest.fixture
def library(tmp_path: Path) -> Iterator[rushes.Library]:
    """An empty library."""
    with rushes.Library(tmp_path / "home") as library:
        yield library


@pytest.fixture(scope="session")
def scanned(media: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[rushes.Library]:
    """A library of the samples; tests only look at it."""
    with rushes.Library(tmp_path_factory.mktemp("scanned") / "home") as library:
        library.scan(media)
        yield library


@pytest.fixture(scope="session")
def command() -> Command:
    """Runs the `rushes` command on a library's home; gives what `--json` printed."""
    program = os.environ.get("RUSHES_COMMAND")
    if not program:
        pytest.fail("RUSHES_COMMAND must name the rushes command: use scripts/python-test.sh")

    def run(library: rushes.Library, *words: object) -> Any:
        line = [program, "--home", library.home, "--json", *map(str, words)]
        done = subprocess.run(line, stdout=subprocess.PIPE, timeout=PATIENCE_SECS, check=False)
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small pictures, no two the same: some seconds of work."""
    folder = tmp_path_factory.mktemp("many")
    for number in range(MANY):
        pixel = number.to_bytes(3, "big")
        (folder / f"{number:05}.ppm").write_bytes(b"P6 8 8 255\n" + pixel * 64)
    settle(folder)
    return folder

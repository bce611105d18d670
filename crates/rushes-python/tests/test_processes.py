"""Ctrl-C, threads, forks and spawned processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from conftest import MANY, PATIENCE_SECS, settle

import rushes

OFTEN = 50

SCAN = """
import sys, rushes
library = rushes.Library(sys.argv[1])
def tell(done, total, unit, note):
    if note == "probing":
        print("probing", flush=True)
try:
    library.scan(sys.argv[2], progress=tell)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(77)
"""


def test_ctrl_c_cancels_a_scan(library: rushes.Library, many: Path) -> None:
    line = [sys.executable, "-c", SCAN, library.home, str(many)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "probing\n"
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        while process.stdout.readline() == "probing\n":
            pass
        took_secs = time.monotonic() - sent
        assert process.wait(PATIENCE_SECS) == 77
    print(f"the scan ended {took_secs:.3f} s after Ctrl-C")
    assert took_secs < 1
    assert library.jobs_list()["jobs"][0].state == "cancelled"
    assert library.search("error:yes")["items"] == []
    report = library.scan(many)
    assert report.files == MANY and report.probed > 0, "the interrupted scan had ended already"
    assert library.check().violations == []


def test_ctrl_c_is_heard_within_100_ms(library: rushes.Library, tmp_path: Path) -> None:
    """Hashing at a rate is waiting, so all that is measured is how soon it is told to stop. The
    machine may be busy once; what looks for Ctrl-C too seldom is late each time."""
    folder = tmp_path / "large"
    folder.mkdir()
    pixels = os.urandom(2000 * 2000 * 3)
    (folder / "large.ppm").write_bytes(b"P6 2000 2000 255\n" + pixels)
    settle(folder)
    library.scan(folder)

    def interrupted() -> float:
        """Seconds from Ctrl-C to the exception, in the middle of hashing."""
        sent = 0.0

        def interrupt(done: int, total: int | None, unit: str, note: str | None) -> None:
            nonlocal sent
            if not sent:
                sent = time.monotonic()
                os.kill(os.getpid(), signal.SIGINT)

        with pytest.raises(KeyboardInterrupt):
            library.hash(rate_mb_per_sec=1, progress=interrupt)
        assert sent
        return time.monotonic() - sent

    took_secs = [interrupted() for _ in range(5)]
    print("hashing ended", [f"{secs:.3f}" for secs in took_secs], "s after Ctrl-C")
    assert min(took_secs) < 0.1
    jobs = library.jobs_list(limit=5)["jobs"]
    assert [(job.kind, job.state) for job in jobs] == [("hash", "cancelled")] * 5


def test_other_threads_run_meanwhile(library: rushes.Library, many: Path) -> None:
    ended = threading.Event()
    turns = 0

    def count() -> None:
        nonlocal turns
        while not ended.wait(0.002):
            turns += 1

    thread = threading.Thread(target=count)
    thread.start()
    began, before = time.monotonic(), turns
    library.scan(many)
    took_secs, counted = time.monotonic() - began, turns - before
    ended.set()
    thread.join()
    # The two processors are busy with the scan; a thread that waits for its end counts nothing.
    assert counted > took_secs * 20, f"{counted} turns in {took_secs} s"


def test_threads_share_a_library(scanned: rushes.Library, assets: int) -> None:
    found: list[int] = []

    def look() -> None:
        for _ in range(10):
            found.append(len(scanned.search("sort:name")["items"]))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECS)
    assert found == [assets] * 40


def probe_often(library: rushes.Library, media: Path) -> int:
    """How often a worker could read a file."""
    path = media / "Studio" / "sweep.flac"
    return sum(len(library.probe(path).files) for _ in range(OFTEN))


def use(library: rushes.Library, media: Path, answer: Connection) -> None:
    """In another process: reads rows, uses workers, runs a job."""
    try:
        total, probed = library.stats().assets, probe_often(library, media)
        answer.send((total, probed, library.scan().files > 0))
    except rushes.Error as error:
        answer.send(error)


def answer_of(method: str, library: rushes.Library, media: Path) -> object:
    context: Any = multiprocessing.get_context(method)
    ours, theirs = context.Pipe()
    process = context.Process(target=use, args=(library, media, theirs))
    process.start()
    try:
        # Both at once: what two processes share by mistake shows here.
        assert probe_often(library, media) == OFTEN
        assert ours.poll(PATIENCE_SECS), "the other process hangs"
        answer: object = ours.recv()
        process.join(PATIENCE_SECS)
        assert process.exitcode == 0
        return answer
    finally:
        process.kill()
        process.join()


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_another_process_uses_the_same_library(
    method: str, library: rushes.Library, media: Path, assets: int
) -> None:
    library.scan(media)
    assert answer_of(method, library, media) == (assets, OFTEN, True)
    # And here it goes on as before.
    assert library.stats().assets == assets
    assert probe_often(library, media) == OFTEN
    assert library.check().violations == []


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_fork_while_an_action_runs_gives_an_error_and_no_hang(
    library: rushes.Library, many: Path, media: Path
) -> None:
    runs = threading.Event()
    reports: list[rushes.Record] = []
    told = lambda *news: runs.set()  # noqa: E731
    scan = threading.Thread(target=lambda: reports.append(library.scan(many, progress=told)))
    scan.start()
    assert runs.wait(PATIENCE_SECS)
    answer = answer_of("fork", library, media)
    assert isinstance(answer, rushes.Unavailable) and "forked" in answer.why
    scan.join(PATIENCE_SECS)
    assert reports[0].files == MANY and reports[0].failed == []

"""Frames of videos in threads, in processes, and stopped by Ctrl-C."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy
import pytest
from clips import FRAMES, Clips, clips, code
from conftest import PATIENCE_SECS

import rushes

__all__ = ["clips"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home of its own."""
    monkeypatch.setenv("RUSHES_HOME", str(tmp_path / "home"))


def interrupted(work: Callable[[], object], after_secs: float = 0.1) -> float:
    """Seconds from Ctrl-C to the exception, in the middle of this work."""
    sent = 0.0

    def send() -> None:
        nonlocal sent
        sent = time.monotonic()
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(after_secs, send)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            work()
    finally:
        timer.cancel()
        timer.join()
    return time.monotonic() - sent


def test_ctrl_c_is_heard_within_100_ms(clips: Clips) -> None:
    """The machine may be busy once; what looks for Ctrl-C too seldom is late each time."""
    path = clips["long.mp4"]
    began = time.monotonic()
    video = rushes.open(path, size=(64, 36))
    opening_secs = time.monotonic() - began
    began = time.monotonic()
    every = video[::100]
    reading_secs = time.monotonic() - began
    assert opening_secs > 0.25 and reading_secs > 0.25, "too fast to be interrupted"

    # Batches; one frame that is far from where decoding can start, too.
    batches = [interrupted(lambda: video[::-1]) for _ in range(3)]
    video[0]
    alone = [interrupted(lambda: (video[1], video[890])) for _ in range(3)]
    assert numpy.array_equal(video[::100], every), "it goes on after"

    # The index, which is kept but for this: its file is another each time.
    def build(number: int) -> float:
        os.utime(path, (number, number))
        return interrupted(lambda: rushes.open(path))

    builds = [build(number) for number in range(3)]
    for name, secs in (("batches", batches), ("a frame", alone), ("an index", builds)):
        print(name, "ended", [f"{it:.3f}" for it in secs], "s after Ctrl-C")
        assert min(secs) < 0.1, name


def test_ctrl_c_is_heard_in_the_middle_of_an_operation(tmp_path: Path) -> None:
    """Of one that takes long for a single frame."""
    frame = numpy.random.default_rng(1).integers(0, 256, (360, 640, 3), "uint8")
    began = time.monotonic()
    rushes.ops.denoise(frame)
    assert time.monotonic() - began > 0.2, "too fast to be interrupted"
    stream, path = rushes.Stream([frame] * 3).denoise(), tmp_path / "a.mp4"
    works: list[tuple[str, Callable[[], object]]] = [
        ("an array", lambda: rushes.ops.denoise(frame)),
        ("a stream", lambda: list(stream)),
        ("a stream that is written", lambda: stream.write(path)),
    ]
    for name, work in works:
        secs = [interrupted(work, 0.05) for _ in range(2)]
        print(name, "ended", [f"{it:.3f}" for it in secs], "s after Ctrl-C")
        assert min(secs) < 0.1, name
    # What was begun ends by itself.
    end = time.monotonic() + PATIENCE_SECS
    while any(thread.name == "rushes stream" for thread in threading.enumerate()):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_handler_that_wants_a_frame_gets_an_error_and_no_hang(clips: Clips) -> None:
    video = rushes.open(clips["long.mp4"], size=(64, 36))
    caught: list[object] = []

    def handle(*_: object) -> None:
        try:
            video[0]
        except rushes.Invalid as error:
            caught.append(error)

    before = signal.signal(signal.SIGALRM, handle)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        assert video[:].shape[0] == 900
    finally:
        signal.signal(signal.SIGALRM, before)
    assert len(caught) == 1


def test_other_threads_run_meanwhile(clips: Clips) -> None:
    video = rushes.open(clips["long.mp4"], size=(64, 36))
    ended = threading.Event()
    turns = 0

    def count() -> None:
        nonlocal turns
        while not ended.wait(0.002):
            turns += 1

    thread = threading.Thread(target=count)
    thread.start()
    began, before = time.monotonic(), turns
    assert video[:].shape[0] == 900
    took_secs, counted = time.monotonic() - began, turns - before
    ended.set()
    thread.join()
    assert counted > took_secs * 20, f"{counted} turns in {took_secs} s"


def test_threads_share_a_video(clips: Clips) -> None:
    video = rushes.open(clips["plain.mp4"], format="gray")
    wrong: list[object] = []
    read = []

    def look(seed: int) -> None:
        numbers = random.Random(seed)
        try:
            for _ in range(60):
                asked = [numbers.randrange(FRAMES) for _ in range(numbers.choice([1, 1, 5]))]
                found = [code(frame) for frame in video[asked]]
                if found != asked:
                    wrong.append((asked, found))
                read.append(len(asked))
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=look, args=(seed,)) for seed in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECS)
        assert not thread.is_alive()
    assert wrong == [] and len(read) == 300


def test_closing_waits_for_who_reads(clips: Clips) -> None:
    video = rushes.open(clips["long.mp4"], size=(64, 36))
    read: list[object] = []

    def take() -> None:
        try:
            read.append(video[:].shape[0])
        except rushes.Invalid:
            read.append("closed")

    thread = threading.Thread(target=take)
    thread.start()
    video.close()
    thread.join(PATIENCE_SECS)
    # Either it came first, or it was told.
    assert read in ([900], ["closed"]) and not thread.is_alive()
    with pytest.raises(rushes.Invalid):
        video[0]


def answer(video: rushes.Video, connection: Connection) -> None:
    """In another process: frames here and there."""
    try:
        found = [code(video[i]) for i in (0, 149, 31, 32, -2)]
        found += [code(frame) for frame in video[[77, 3]]]
        connection.send((found, len(list(video)), video.fps))
        video.close()
    except BaseException as error:
        connection.send(repr(error))


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_another_process_reads_the_same_video(method: str, clips: Clips) -> None:
    video = rushes.open(clips["plain.mp4"], format="gray")
    assert code(video[40]) == 40
    ended = threading.Event()
    mine: list[int | None] = []

    def read_on() -> None:
        while not ended.is_set():
            mine.append(code(video[(len(mine) * 37) % FRAMES]))

    # The fork happens while another thread reads.
    thread = threading.Thread(target=read_on)
    thread.start()
    context: Any = multiprocessing.get_context(method)
    try:
        for _ in range(3):
            ours, theirs = context.Pipe()
            process = context.Process(target=answer, args=(video, theirs))
            process.start()
            try:
                assert ours.poll(PATIENCE_SECS), "the other process hangs"
                assert ours.recv() == ([0, 149, 31, 32, 148, 77, 3], FRAMES, 30)
                process.join(PATIENCE_SECS)
                assert process.exitcode == 0
            finally:
                process.kill()
                process.join()
    finally:
        ended.set()
        thread.join(PATIENCE_SECS)
    assert mine == [(i * 37) % FRAMES for i in range(len(mine))] and mine
    assert code(video[41]) == 41

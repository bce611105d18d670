"""Programs of numm under the `numm-run` command, with a terminal and without."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import PATIENCE_SECS

PROGRAM = Path(sys.executable).with_name("numm-run")


@pytest.fixture(autouse=True)
def no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    """No window is opened on whose machine it is."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)


class Ran:
    """The command with a file, and a terminal where it is asked for."""

    def __init__(self, folder: Path, text: str, *words: str, terminal: bool = False) -> None:
        self.path = folder / "program.py"
        self.path.write_text(text)
        self._text, self.is_restored = b"", False
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        self.terminal, inner = pty.openpty() if terminal else (-1, subprocess.DEVNULL)
        line = [str(PROGRAM), "program.py", *words]
        if terminal:
            # It becomes the one that the terminal speaks to.
            leader = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
            line = [sys.executable, "-c", leader + "os.execv(sys.argv[1], sys.argv[1:])", *line]
        self._process = subprocess.Popen(
            line, cwd=folder, env=environment, stdin=inner, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        if terminal:
            os.close(inner)

    def until(self, wanted: str) -> str:
        """What it printed up to this, which is taken."""
        end = time.monotonic() + PATIENCE_SECS
        output = self._process.stdout
        assert output
        while wanted.encode() not in self._text:
            assert select.select([output], [], [], end - time.monotonic())[0], self._text
            more = os.read(output.fileno(), 65536)
            assert more, f"it ended without {wanted!r}: {self._text.decode()}"
            self._text += more
        before, self._text = self._text.split(wanted.encode(), 1)
        return before.decode()

    def rewrite(self, text: str) -> None:
        """The file as an editor replaces it."""
        new = self.path.with_suffix(".new")
        new.write_text(text)
        new.rename(self.path)

    def strike(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def ended(self) -> int:
        """Its exit code."""
        code = self._process.wait(PATIENCE_SECS)
        if self.terminal >= 0:
            self.is_restored = bool(termios.tcgetattr(self.terminal)[3] & termios.ICANON)
        return code

    def close(self) -> None:
        """Ends what a test left."""
        self._process.kill()
        self._process.communicate()
        if self.terminal >= 0:
            os.close(self.terminal)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Ran]]:
    """Runs the command on a program in the test's folder."""
    started: list[Ran] = []

    def begin(text: str, *words: str, **options: Any) -> Ran:
        started.append(Ran(tmp_path, text, *words, **options))
        return started[-1]

    yield begin
    for ran in started:
        ran.close()

"""`numm-run`: runs a file's functions, and reads the file again whenever it changes."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import time
import traceback
from types import ModuleType
from typing import Any

from ..._errors import Error
from ._callbacks import NAMES, functions_of
from ._run import Run

LOOK_SECS = 0.2


class Program:
    """A file of Python, and the names that it has."""

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)
        self._seen: tuple[int, int, int] | None = None
        self._next = 0.0

    def changed(self) -> bool:
        """Whether the file is another one than when this was last asked."""
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + LOOK_SECS
        try:
            found = os.stat(self.path)
        except OSError:
            # An editor that replaces it has it back in a moment.
            return False
        seen = (found.st_mtime_ns, found.st_size, found.st_ino)
        changed = seen != self._seen
        self._seen = seen
        return changed

    def names(self) -> dict[str, Any] | None:
        """What the file defines; None where running it fails, which is printed."""
        module = ModuleType("numm_program")
        module.__file__ = self.path
        try:
            with open(self.path, "rb") as file:
                code = compile(file.read(), self.path, "exec")
            # Where pickle and others look for what it defines.
            sys.modules[module.__name__] = module
            exec(code, module.__dict__)
        except Exception:
            traceback.print_exc()
            return None
        return vars(module)


class ProgramRun(Run):
    """A run whose functions are those of a file, as it is now."""

    def __init__(self, program: Program, given: dict[str, Any]) -> None:
        program.changed()
        self._program = program
        super().__init__(**{**(program.names() or {}), **given})

    def _turn(self) -> None:
        if self._program.changed():
            names = self._program.names()
            # Until a mistake is mended, the functions before it go on.
            functions = {} if names is None else functions_of(names)
            try:
                for name in NAMES if names is not None else ():
                    self._callbacks.set(name, functions.get(name))
            except Error as error:
                sys.stderr.write(f"{error}\n")
        super()._turn()


def size(text: str) -> tuple[int, int]:
    width, height = map(int, text.split("x"))
    return width, height


def main(words: list[str] | None = None) -> int:
    """The command; gives its exit code."""
    parser = argparse.ArgumentParser(
        prog="numm-run",
        description="Runs the functions of a Python file (video_out, keyboard_in, ...), and reads "
        "the file again whenever it changes. Ctrl-C ends it.",
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("file", metavar="FILE", help="the Python file")
    parser.add_argument("--size", dest="video_size", metavar="WxH", type=size, help="of frames")
    parser.add_argument("--fps", dest="video_fps", metavar="N", help="frames a second")
    parser.add_argument("--src", dest="video_src", metavar="VIDEO", help="a file for video_in")
    parser.add_argument("--sink", dest="video_sink", metavar="VIDEO", help="a file to record")
    given = vars(parser.parse_args(words))
    path = given.pop("file")
    if not os.path.isfile(path):
        parser.error(f"there is no file {path}")
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    if "numm" not in sys.modules and importlib.util.find_spec("numm") is None:
        # Programs import it by the name that it had.
        from rushes.compat import numm

        sys.modules["numm"] = numm
    try:
        ProgramRun(Program(path), given).run()
    except KeyboardInterrupt:
        return 0
    except Error as error:
        sys.stderr.write(f"numm-run: {error}\n")
        return 1
    return 0

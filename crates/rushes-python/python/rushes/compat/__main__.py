"""Runs a program as it is, with `pImage` and `numm` from here: `python -m rushes.compat program.py`."""

from __future__ import annotations

import os
import runpy
import sys

from . import install


def main() -> None:
    """Runs the program that the first word names; the other words are its own."""
    if len(sys.argv) < 2:
        sys.exit("usage: python -m rushes.compat program.py [words of its own]")
    program = sys.argv[1]
    if not os.path.isfile(program):
        sys.exit(f"rushes.compat: there is no file {program}")
    install()
    del sys.argv[0]
    sys.path[0] = os.path.dirname(os.path.abspath(program))
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main()

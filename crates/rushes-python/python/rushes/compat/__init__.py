"""Interfaces of other packages, for programs that were written for them: `pImage` and `numm`.

    from rushes.compat import pImage                # one line of the program changes

    rushes.compat.install("pImage")                 # or none of those that follow
    import pImage

    python -m rushes.compat program.py              # or nothing at all

The names are not on the path by themselves: a package that is installed under one of them stays
what `import` finds, until a program asks for this one.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from .._errors import Conflict, Invalid

__all__ = ["install"]
NAMES = ("pImage", "numm")


def install(*names: str) -> None:
    """Makes `import pImage` and `import numm` give what is here, in this process from now on.

    names: "pImage", "numm"; both when none is given. No file changes. Where a package of that name
    is installed too, `import` no longer finds it.

    Raises `Conflict` where one was imported before, and `Invalid` (a ValueError) for other names.
    """
    what = "taking a package's name"
    for name in names or NAMES:
        if name not in NAMES:
            raise Invalid(what, f"there is no {name!r} here", f"there are {', '.join(NAMES)}")
        own = importlib.import_module(f"{__name__}.{name}")
        if sys.modules.get(name, own) is not own:
            why = f"another {name} was imported before"
            raise Conflict(what, why, "call rushes.compat.install before anything imports it")
        for place, module in modules_of(name):
            sys.modules[place] = module


def modules_of(name: str) -> list[tuple[str, ModuleType]]:
    """A package and what is in it, each with the name that it is imported by."""
    prefix = f"{__name__}."
    found = [
        (place.removeprefix(prefix), module)
        for place, module in sys.modules.items()
        if place == prefix + name or place.startswith(f"{prefix}{name}.")
    ]
    # Some are in another one of them too: pImage.video.readers is pImage.readers.
    inner = [
        (f"{place}.{key}", value)
        for place, module in found
        if "." in place
        for key, value in vars(module).items()
        if isinstance(value, ModuleType) and value.__name__.startswith(prefix)
    ]
    return found + inner

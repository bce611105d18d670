#!/usr/bin/env python3
"""Writes docs/reference.md from the package that is installed: every name with its docstring.

    python reference.py            write it
    python reference.py --check    fail when what is there is not what would be written

`scripts/python-test.sh --stubs` builds the package and runs this.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import rushes.compat
from stubs import overloads, signature

PAGE = Path(__file__).parents[2] / "docs" / "reference.md"
HEAD = """\
# Reference of the Python package

Every public name with its signature and docstring, written by `crates/rushes-python/reference.py` from
the package itself; `help(rushes.open)` shows the same. How things belong together is in
[python.md](python.md), the compatible modules have [pages](numm.md) of [their own](pimage.md).
"""
# Where else public names are.
MODULES: list[ModuleType] = [rushes.ops, rushes.plot, rushes.compat]


def entry(name: str, heads: list[str], thing: object) -> str:
    """What one name is: how it is written, and its docstring as it stands."""
    code = "".join(f"{head.rstrip().removesuffix(':')}\n" for head in heads)
    text = inspect.getdoc(thing) or ""
    return f"\n### `{name}`\n\n```text\n{code}\n{text.rstrip()}\n```\n"


def function(name: str, thing: object) -> str:
    short = name.rpartition(".")[2]
    return entry(name, [signature(short, way, "") for way in overloads(thing) or [thing]], thing)


def members(name: str, kind: type) -> Iterator[str]:
    for key, member in vars(kind).items():
        if key.startswith("_"):
            continue
        if isinstance(member, property):
            assert member.fget is not None
            kind_of = inspect.signature(member.fget).return_annotation
            yield entry(f"{name}.{key}", [f"{key}: {kind_of}"], member)
        elif inspect.isfunction(member):
            yield entry(f"{name}.{key}", [signature(key, member, "")], member)


def page() -> str:
    text = HEAD
    things = {name: getattr(rushes, name) for name in rushes.__all__ if name[0] != "_"}
    things = {name: thing for name, thing in things.items() if callable(thing)}
    classes = {name: thing for name, thing in things.items() if isinstance(thing, type)}
    errors = {name for name, thing in classes.items() if issubclass(thing, rushes.Error)}
    text += "\n## Functions\n"
    for name, thing in things.items():
        if name not in classes:
            text += function(f"rushes.{name}", thing)
    for name, kind in classes.items():
        if name not in errors:
            text += f"\n## `rushes.{name}`\n\n{inspect.getdoc(kind)}\n"
            text += "".join(members(name, kind))
    text += "\n## Exceptions\n\n| name | is also | |\n|---|---|---|\n"
    for name in sorted(errors):
        bases = ", ".join(f"`{base.__name__}`" for base in classes[name].__bases__)
        meaning = " ".join((inspect.getdoc(classes[name]) or "").split())
        text += f"| `rushes.{name}` | {bases} | {meaning} |\n"
    for module in MODULES:
        text += f"\n## `{module.__name__}`\n\n{inspect.getdoc(module)}\n"
        for name in module.__all__:
            thing, place = getattr(module, name), f"{module.__name__}.{name}"
            if isinstance(thing, type):
                text += f"\n### `{place}`\n\n{inspect.getdoc(thing)}\n"
                text += "".join(members(place, thing))
            else:
                text += function(place, thing)
    return text


def main() -> int:
    wanted = page()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(wanted, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != wanted:
        print("docs/reference.md is old: run scripts/python-test.sh --stubs", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Writes python/rushes/__init__.pyi from the package that is installed.

    python stubs.py            write it
    python stubs.py --check    fail when what is there is not what would be written

The methods of `Library` come from the registry of verbs, so the stub changes with them.
`scripts/python-test.sh --stubs` builds the package and runs this.
"""

from __future__ import annotations

import inspect
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_overloads

import rushes

PACKAGE = Path(__file__).parent / "python" / "rushes"
STUB = PACKAGE / "__init__.pyi"
OPS = PACKAGE / "ops.pyi"
HEAD = """\
# Written by stubs.py: do not edit.

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, ClassVar, Literal, SupportsFloat, SupportsIndex, overload

import numpy
from numpy.typing import ArrayLike, NDArray

from . import ops as ops
from . import plot as plot
from ._source import Media, Writable

"""
OPS_HEAD = """\
# Written by stubs.py: do not edit.

import os
from typing import Any, Literal

import numpy
from numpy.typing import ArrayLike, NDArray

__all__ = [
{names}]
"""
# What typeshed's own class already says, or what is nobody's business.
HIDDEN = {"__reduce__", "__repr__", "__str__"}
WIDTH = 100


def first_paragraph(thing: object) -> str:
    """What its docstring says before the first blank line, on one line."""
    text = (inspect.getdoc(thing) or "").split("\n\n", 1)[0]
    return " ".join(text.split())


def docstring(thing: object, indent: str) -> str:
    lines = textwrap.wrap(f'"""{first_paragraph(thing)}"""', WIDTH - len(indent))
    return "".join(f"{indent}{line}\n" for line in lines)


def overloads(function: Any) -> list[Any]:
    """The ways to call it, where its types depend on how; none where there is one."""
    # They are known by where it was written, which is not where it is met.
    written = function.__globals__["__name__"]
    known = SimpleNamespace(__module__=written, __qualname__=function.__qualname__)
    return list(get_overloads(known))  # type: ignore[arg-type]


def signature(name: str, function: Any, indent: str) -> str:
    """A `def` line, broken where it is long."""
    found = inspect.signature(function)
    parameters, star = [], False
    for parameter in found.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not star:
            parameters.append("*")
            star = True
        star = star or parameter.kind is parameter.VAR_POSITIONAL
        text = str(parameter.replace(annotation=parameter.empty))
        if parameter.annotation is not parameter.empty:
            text += f": {parameter.annotation}"
        if parameter.default is not parameter.empty:
            text = f"{parameter.name}: {parameter.annotation} = {parameter.default!r}"
        parameters.append(text.replace("'", '"'))
    result = str(found.return_annotation)
    line = f"{indent}def {name}({', '.join(parameters)}) -> {result}:"
    if len(line) > WIDTH:
        listed = "".join(f"{indent}    {parameter},\n" for parameter in parameters)
        line = f"{indent}def {name}(\n{listed}{indent}) -> {result}:"
    return line + "\n"


def members(kind: type) -> str:
    """The body of a class."""
    text = ""
    for name, annotation in kind.__dict__.get("__annotations__", {}).items():
        if not name.startswith("_"):
            text += f"    {name}: {annotation}\n"
    for name, member in kind.__dict__.items():
        if isinstance(member, property):
            text += f"\n    @property\n{signature(name, member.fget, '    ')}"
            text += docstring(member, " " * 8)
        elif inspect.isfunction(member) and name not in HIDDEN:
            if name.startswith("_") and not name.startswith("__"):
                continue
            head = signature(name, member, "    ")
            if name.startswith("__"):
                text += f"\n{head.rstrip()} ...\n"
            else:
                text += f"\n{head}{docstring(member, ' ' * 8)}"
    return text


def stub() -> str:
    """The whole file."""
    text = HEAD
    names = ", ".join(f'"{name}"' for name in rushes.__all__)
    text += (
        "__all__ = [\n"
        + "".join(f"    {line}\n" for line in textwrap.wrap(names + ",", WIDTH - 4))
        + "]\n\n__version__: str\nmemory_budget_bytes: int\n"
    )
    things = [getattr(rushes, name) for name in rushes.__all__ if not name.startswith("_")]
    # Bases before what is made from them, else as they stand in the list.
    things.sort(key=lambda thing: len(inspect.getmro(thing)) if isinstance(thing, type) else 0)
    for thing in things:
        if not isinstance(thing, type):
            if several := overloads(thing):
                heads = [signature(thing.__name__, way, "").rstrip() for way in several]
                text += "\n" + "".join(f"@overload\n{head} ...\n" for head in heads)
                continue
            text += f"\n{signature(thing.__name__, thing, '')}{docstring(thing, '    ')}"
            continue
        bases = ", ".join(base.__name__ for base in thing.__bases__ if base is not object)
        bases = bases.replace("dict", "dict[str, Any]")
        bases = bases.replace("Mapping", "Mapping[str, NDArray[Any]]")
        text += f"\nclass {thing.__name__}{f'({bases})' if bases else ''}:\n"
        text += docstring(thing, "    ")
        text += members(thing)
    return text


def stub_of_operations() -> str:
    """The operations on arrays, from the registry that the core gives."""
    lines = textwrap.wrap(", ".join(f'"{name}"' for name in rushes.ops.__all__) + ",", WIDTH - 4)
    text = OPS_HEAD.format(names="".join(f"    {line}\n" for line in lines))
    for name in rushes.ops.__all__:
        function = getattr(rushes.ops, name)
        text += f"\n{signature(name, function, '')}{docstring(function, '    ')}"
    return text


def main() -> int:
    code = 0
    for path, wanted in ((STUB, stub()), (OPS, stub_of_operations())):
        if "--check" not in sys.argv[1:]:
            path.write_text(wanted, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != wanted:
            print(
                f"{path.name} is not what the package has: run scripts/python-test.sh --stubs",
                file=sys.stderr,
            )
            code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())

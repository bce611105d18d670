"""The stubs say what the running module has, no more and no less."""

from __future__ import annotations

import ast
import inspect
import json
import os
import subprocess
import sys
import typing
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import rushes
from rushes import _rushes

STUB = Path(rushes.__file__).with_name("__init__.pyi")
SCRIPT = Path(__file__).parents[1] / "stubs.py"


def overloads(function: Any) -> Sequence[Any]:
    """The ways to call it that are told apart."""
    written = function.__globals__["__name__"]
    known = SimpleNamespace(__module__=written, __qualname__=function.__qualname__)
    return typing.get_overloads(known)  # type: ignore[arg-type]


def stubbed() -> dict[str, str]:
    """Every function and method of the stub by its dotted name, with its parameters; those of each
    overload."""
    found: dict[str, str] = {}

    def walk(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef):
                name, args = prefix + node.name, ast.unparse(node.args)
                found[name] = f"{found[name]}; {args}" if name in found else args
            elif isinstance(node, ast.ClassDef):
                found[prefix + node.name] = ""
                walk(node.body, f"{prefix}{node.name}.")

    walk(ast.parse(STUB.read_text(encoding="utf-8")).body, "")
    return found


def running() -> dict[str, str]:
    """The same of the running module."""
    found: dict[str, str] = {}

    def parameters(function: object) -> str:
        signature = inspect.signature(function)  # type: ignore[arg-type]
        quoted = str(signature.replace(return_annotation=inspect.Signature.empty))
        for parameter in signature.parameters.values():
            if parameter.annotation is not parameter.empty:
                quoted = quoted.replace(repr(parameter.annotation), parameter.annotation, 1)
        node = ast.parse(f"def f{quoted}: ...").body[0]
        assert isinstance(node, ast.FunctionDef)
        return ast.unparse(node.args)

    for name in rushes.__all__:
        thing = getattr(rushes, name)
        if isinstance(thing, type):
            found[name] = ""
            for key, member in vars(thing).items():
                private = key.startswith("_") and not key.startswith("__")
                if key in ("__reduce__", "__repr__", "__str__") or private:
                    continue
                if isinstance(member, property):
                    found[f"{name}.{key}"] = parameters(member.fget)
                elif inspect.isfunction(member):
                    found[f"{name}.{key}"] = parameters(member)
        elif callable(thing):
            found[name] = "; ".join(map(parameters, overloads(thing) or [thing]))
    return found


def test_the_stub_has_every_name_and_signature_both_ways() -> None:
    stub, module = stubbed(), running()
    assert set(stub) == set(module)
    for name, wanted in module.items():
        assert stub[name] == wanted, name


def test_every_verb_has_a_stub() -> None:
    stub = stubbed()
    actions = json.loads(_rushes.describe())
    for action in actions:
        assert f"Library.{'_'.join(action['name'])}" in stub
    assert len(actions) >= 19


def test_the_stub_is_what_the_script_writes() -> None:
    subprocess.run([sys.executable, SCRIPT, "--check"], check=True)
    kept = SCRIPT.with_name("python") / "rushes" / "__init__.pyi"
    assert STUB.read_text(encoding="utf-8") == kept.read_text(encoding="utf-8")
    assert STUB.with_name("py.typed").exists()


def test_the_reference_is_what_the_script_writes() -> None:
    subprocess.run([sys.executable, SCRIPT.with_name("reference.py"), "--check"], check=True)


def test_everything_is_documented() -> None:
    for name in rushes.__all__:
        thing = getattr(rushes, name)
        if not callable(thing):
            continue
        assert inspect.getdoc(thing), name
        for key, member in vars(thing).items() if isinstance(thing, type) else ():
            if inspect.isfunction(member) and not key.startswith("_"):
                assert inspect.getdoc(member), f"{name}.{key}"
    for action in json.loads(_rushes.describe()):
        text = getattr(rushes.Library, "_".join(action["name"])).__doc__
        for param in action["params"]:
            assert f"    {param['name']}: " in text
        # One that may give anything has no fields to be told.
        result = action["result"] if isinstance(action["result"], dict) else {}
        for field in result.get("properties", {}):
            assert f"    {field} (" in text
        for name, schema in action["result_definitions"].items():
            assert (f"\n{name}:\n" in text) == ("properties" in schema), f"{text}\n{name}"


@pytest.mark.parametrize(
    "line",
    [
        ["mypy.stubtest", "rushes", "--ignore-missing-stub", "--concise"],
        # What programs that use the package see: the stub.
        ["mypy", "--strict", "tests", "stubs.py", "reference.py"],
        # Its own source, which the stub hides from programs.
        ["mypy", "--strict", "python/rushes"],
    ],
    ids=["the stub", "its users", "the source"],
)
def test_mypy_agrees(line: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *line], capture_output=True, text=True, check=False,
        cwd=SCRIPT.parent, env={**os.environ, "MYPY_CACHE_DIR": os.devnull},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr

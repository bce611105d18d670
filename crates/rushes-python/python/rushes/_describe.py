"""The verbs as the core describes them: their signatures and their docstrings."""

from __future__ import annotations

import inspect
import json
import textwrap
from dataclasses import dataclass
from typing import Any

from . import _rushes
from ._errors import Invalid

Schema = dict[str, Any]

WIDTH = 96
PROGRESS = "Callable[[int, int | None, str, str | None], object] | None"
NAMES = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
    "object": "Record",
}


@dataclass(frozen=True)
class Action:
    """One verb."""

    name: list[str]
    summary: str
    changes: bool
    as_job: bool
    params: list[dict[str, Any]]
    param_definitions: dict[str, Schema]
    result: Schema | bool
    result_definitions: dict[str, Schema]

    @property
    def words(self) -> str:
        """Its name on the command line: `paths add`."""
        return " ".join(self.name)

    @property
    def method(self) -> str:
        """Its name here: `paths_add`."""
        return "_".join(self.name)

    def signature(self) -> inspect.Signature:
        """What the method takes: positional parameters as on the command line, the others by name."""
        parameters = [inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
        for param in self.params:
            schema = param["schema"]
            annotation = type_name(schema, self.param_definitions)
            if param["path"]:
                annotation = annotation.replace("str", "str | os.PathLike[str]")
            kind: Any = inspect.Parameter.KEYWORD_ONLY
            default: Any = inspect.Parameter.empty
            if not param["required"]:
                default = schema.get("default")
                if schema.get("type") == "array" and default is None:
                    default = ()
                    annotation = "Sequence[" + annotation.removeprefix("list[")
            if param["positional"]:
                kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
                if schema.get("type") == "array":
                    kind = inspect.Parameter.VAR_POSITIONAL
                    default = inspect.Parameter.empty
                    annotation = annotation.partition("[")[2].removesuffix("]")
                elif any(before.kind is before.VAR_POSITIONAL for before in parameters):
                    # After any number of others it can only be told by its name.
                    kind = inspect.Parameter.KEYWORD_ONLY
            parameters.append(
                inspect.Parameter(param["name"], kind, default=default, annotation=annotation)
            )
        # A verb may tell its options before what stands without a name.
        parameters.sort(key=lambda parameter: parameter.kind)
        if self.changes:
            parameters.append(by_name("dry_run", "bool", False))
        if self.as_job:
            parameters.append(by_name("progress", PROGRESS, None))
        return inspect.Signature(parameters, return_annotation=self.gives)

    def check_ranges(self, params: dict[str, Any]) -> None:
        """Refuses a number that is out of its range, as the command does."""
        for param in self.params:
            value, schema = params.get(param["name"]), param["schema"]
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                continue
            low, high = schema.get("minimum"), schema.get("maximum")
            if (low is not None and value < low) or (high is not None and value > high):
                wanted = f"at least {low}" if high is None else f"{low or 0} to {high}"
                why = f"{param['name']} is {value}, and may be {wanted}"
                raise Invalid(f"reading the parameters of {self.words}", why)

    @property
    def gives(self) -> str:
        """The type of what comes out: a record, unless it may be of any kind."""
        return "Record" if isinstance(self.result, dict) else "Any"

    def docstring(self) -> str:
        """What it does, what it takes and what comes out, field by field."""
        parts = [f"{self.summary}. The command: `rushes {self.words}`."]
        params = [(param["name"], one_line(param["schema"])) for param in self.params]
        if self.changes:
            params.append(("dry_run", "Give the plan and change nothing."))
        if self.as_job:
            params.append(("progress", "Called with done, total, unit and note while it works."))
        if params:
            parts.append("\n".join(["Takes:", *listing(params)]))
        for name, schema in {"Gives": self.result, **self.result_definitions}.items():
            fields = field_rows(schema, self.result_definitions)
            if fields:
                parts.append("\n".join([f"{name}:", *listing(fields)]))
        return "\n\n".join(parts) + "\n"


def by_name(name: str, annotation: str, default: Any) -> inspect.Parameter:
    """A parameter that is given by its name."""
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=default, annotation=annotation)


def actions() -> list[Action]:
    """Every verb, in the order of the command's help."""
    return [Action(**action) for action in json.loads(_rushes.describe())]


def one_line(schema: Schema) -> str:
    """A schema's description without its line breaks."""
    return " ".join(schema.get("description", "").split())


def listing(rows: list[tuple[str, str]]) -> list[str]:
    """Rows of a name and a text, wrapped."""
    lines = []
    for name, text in rows:
        first = f"    {name}: {text}" if text else f"    {name}"
        lines += textwrap.wrap(first, WIDTH, subsequent_indent=" " * 8, break_on_hyphens=False)
    return lines


def field_rows(schema: Schema | bool, definitions: dict[str, Schema]) -> list[tuple[str, str]]:
    """The fields of an object: the name with its type, and what it means."""
    if isinstance(schema, bool):
        return []
    return [
        (f"{name} ({type_name(field, definitions, tells_which=True)})", one_line(field))
        for name, field in schema.get("properties", {}).items()
    ]


def type_name(schema: Any, definitions: dict[str, Schema], *, tells_which: bool = False) -> str:
    """The type of a value of this schema, as Python writes it.

    With `tells_which` a record has the name under which the docstring lists its fields.
    """

    def inner(part: Any) -> str:
        return type_name(part, definitions, tells_which=tells_which)

    if not isinstance(schema, dict):
        return "Any"
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        if "properties" in definitions[name]:
            return name if tells_which else "Record"
        return inner(definitions[name])
    if "const" in schema:
        return f'Literal["{schema["const"]}"]'
    if "enum" in schema:
        return "Literal[" + ", ".join(f'"{value}"' for value in schema["enum"]) + "]"
    for word in ("anyOf", "oneOf"):
        if word in schema:
            parts = [inner(part) for part in schema[word]]
            if all(part.startswith("Literal[") for part in parts):
                return "Literal[" + ", ".join(part[8:-1] for part in parts) + "]"
            return " | ".join(dict.fromkeys(parts))
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    parts = []
    for kind in kinds:
        if kind == "array":
            parts.append(f"list[{inner(schema.get('items', True))}]")
        else:
            parts.append(NAMES[kind])
    return " | ".join(parts) or "Any"

"""`Library`: the verbs as methods, made from the registry that the core gives."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from . import _describe, _rushes
from ._errors import error_from_json
from ._record import Record

WORKER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "worker.py")


class Library:
    """A catalogue of media, and everything that can be done with it and with media files.

    `home` is the folder of the catalogue and the previews; without it `RUSHES_HOME`, else the
    platform's own (`~/.local/share/rushes`). The `rushes` command with the same home sees the same
    assets and the same jobs. Nothing is opened or created before a method needs it.

    The methods are the verbs of the command: `rushes paths add DIR` is `paths_add(dir)`. Each gives
    a `Record`, a dict whose keys are attributes too. Those that change something take
    `dry_run=True` and then give their plan and change nothing: a record of `summary`, `effects`
    (each `key` and `does`) and `more`, the number of effects that are not listed. Those that run
    as a job take `progress`, a function that is called with `done`, `total` (None while it is not
    known), `unit` ("files" or "bytes") and `note` several times a second.

    Failures are exceptions under `rushes.Error`. A verb that deals with many files does not fail
    for one of them: what it could not read is in `failed` of its result.

    Other threads run while a method works, and Ctrl-C stops it. One library may be used from any
    number of threads, and after a fork; one that is pickled opens the same home.
    """

    __slots__ = ("_door",)

    def __init__(self, home: str | os.PathLike[str] | None = None) -> None:
        # Isolated and without site: a worker sees neither the environment nor anybody's modules.
        worker = [sys.executable or "", "-I", "-S", "-B", WORKER]
        try:
            self._door = _rushes.Door(None if home is None else os.fspath(home), worker)
        except ValueError as error:
            raise error_from_json(json.loads(str(error))) from None

    @property
    def home(self) -> str:
        """The home folder."""
        return os.fspath(self._door.home)

    def close(self) -> None:
        """Closes the catalogue and ends the worker processes. The next call opens them again."""
        self._door.close()

    def __enter__(self) -> Library:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[type[Library], tuple[str]]:
        return type(self), (self.home,)

    def __repr__(self) -> str:
        return f"rushes.Library({self.home!r})"

    def _run(
        self,
        words: str,
        params: Mapping[str, Any],
        dry_run: bool,
        progress: Callable[[int, int | None, str, str | None], object] | None,
    ) -> Any:
        done, text = self._door.run(words, json.dumps(params), dry_run, progress)
        if not done:
            raise error_from_json(json.loads(text))
        return json.loads(text, object_hook=Record)


def plain(value: Any) -> Any:
    """A parameter as JSON has it: paths become text, tuples and sets lists."""
    if isinstance(value, (os.PathLike, bytes)):
        return _rushes.give_path(os.fsdecode(value))
    if isinstance(value, str):
        # A name from the file system that is no UTF-8 has lone surrogates.
        return value if is_unicode(value) else _rushes.give_path(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return value


def is_unicode(text: str) -> bool:
    """Whether it can be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def method(action: _describe.Action) -> Callable[..., Any]:
    """The method of one verb."""
    signature = action.signature()
    words = action.words

    def run(*args: Any, **kwargs: Any) -> Any:
        # A wrong name or a missing one is a TypeError here, as with any function.
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"Library.{action.method}(): {error}") from None
        given = dict(bound.arguments)
        library: Library = given.pop("self")
        dry_run = bool(given.pop("dry_run", False))
        progress = given.pop("progress", None)
        # None stands for "not given" everywhere.
        params = {name: plain(value) for name, value in given.items() if value is not None}
        action.check_ranges(params)
        return library._run(words, params, dry_run, progress)

    run.__name__ = action.method
    run.__qualname__ = f"Library.{action.method}"
    run.__module__ = "rushes"
    run.__doc__ = action.docstring()
    run.__annotations__ = {
        **{name: parameter.annotation for name, parameter in signature.parameters.items()},
        "return": action.gives,
    }
    run.__annotations__.pop("self")
    run.__signature__ = signature  # type: ignore[attr-defined]
    return run


def add_methods() -> None:
    """Gives the class a method for every verb."""
    for action in _describe.actions():
        if hasattr(Library, action.method):
            raise AssertionError(f"the verb {action.words!r} hides Library.{action.method}")
        setattr(Library, action.method, method(action))


add_methods()
os.register_at_fork(
    before=_rushes.before_fork,
    after_in_parent=_rushes.after_fork_in_parent,
    after_in_child=_rushes.after_fork_in_child,
)

__all__ = ["Library"]

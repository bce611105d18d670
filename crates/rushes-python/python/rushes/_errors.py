"""The exceptions: one class for each kind of failure, all of them `rushes.Error`."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Any, ClassVar


class Error(Exception):
    """A failure: what was being done, why it failed, what to do, and the file it is about.

    `str()` shows these in that order. Each kind has a class of its own, which is also the class
    that Python itself raises for that: `rushes.NotFound` is a `FileNotFoundError`.
    """

    kind: ClassVar[str] = ""
    """The kind by its name, as in JSON: `not_found`."""

    what: str
    """What was being done: "registering a root"."""

    why: str
    """Why it failed: "no such file or directory"."""

    remedy: str | None
    """What to do about it, when there is something to do."""

    path: str | None
    """The file it is about, safe to print."""

    _errno: ClassVar[int | None] = None

    def __init__(
        self, what: str, why: str, remedy: str | None = None, path: str | None = None
    ) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.remedy = remedy
        self.path = path
        if isinstance(self, OSError):
            # What Python's own has, for those who look at it.
            for name, value in (("errno", self._errno), ("strerror", why), ("filename", path)):
                setattr(self, name, value)

    def __str__(self) -> str:
        text = f"{self.what}: {self.why}"
        if self.remedy:
            text += f"; {self.remedy}"
        if self.path:
            text += f": {self.path}"
        return text

    def __repr__(self) -> str:
        return f"rushes.{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.what, self.why, self.remedy, self.path)


class Invalid(Error, ValueError):
    """The request itself makes no sense. The command's exit code 2, HTTP 400."""

    kind = "invalid"


class NotFound(Error, FileNotFoundError):
    """The thing named does not exist. Exit code 3, HTTP 404."""

    kind = "not_found"
    _errno = errno.ENOENT


class Unsupported(Error):
    """Well formed, but nothing here can read or do it. Exit code 4, HTTP 415."""

    kind = "unsupported"


class CorruptMedia(Error):
    """The bytes contradict themselves or end too early. Exit code 5, HTTP 422."""

    kind = "corrupt"


class LimitExceeded(Error, MemoryError):
    """A limit on size, memory or time was reached. Exit code 6, HTTP 413."""

    kind = "limit"


class NotEnoughMemory(LimitExceeded):
    """What was asked for at once is over `rushes.memory_budget_bytes`."""


class Denied(Error, PermissionError):
    """Not permitted, by the system or by Rushes. Exit code 7, HTTP 403."""

    kind = "denied"
    _errno = errno.EACCES


class Unavailable(Error, OSError):
    """Cannot be had now, or was cancelled; may work later. Exit code 8, HTTP 503."""

    kind = "unavailable"
    _errno = errno.EAGAIN


class Conflict(Error, FileExistsError):
    """It contradicts what is there already. Exit code 9, HTTP 409."""

    kind = "conflict"
    _errno = errno.EEXIST


class Bug(Error, RuntimeError):
    """A mistake in Rushes. Exit code 10, HTTP 500."""

    kind = "bug"


KINDS: dict[str, type[Error]] = {
    kind.kind: kind
    for kind in (
        Invalid,
        NotFound,
        Unsupported,
        CorruptMedia,
        LimitExceeded,
        Denied,
        Unavailable,
        Conflict,
        Bug,
    )
}


def error_from_json(error: Mapping[str, Any]) -> Error:
    """The exception for an error as the core writes it."""
    kind = KINDS.get(error["kind"], Bug)
    return kind(error["what"], error["why"], error.get("remedy"), error.get("path"))

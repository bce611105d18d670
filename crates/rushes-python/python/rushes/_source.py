"""What media is read from: a path, bytes, an object that reads, or an address."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes, urlsplit

from . import _rushes
from ._errors import Denied, Invalid, NotFound, Unsupported

SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://|(file):", re.IGNORECASE)
# What may be allowed; files always are.
SCHEMES = ("file", "http", "https")


class Readable(Protocol):
    """A binary file or what is like one: `io.BytesIO`, a member of a zip, an object of your own."""

    def read(self, size: int, /) -> Any: ...
    def seek(self, offset: int, whence: int = 0, /) -> Any: ...


class Writable(Protocol):
    """An object that takes bytes."""

    def write(self, data: bytes, /) -> Any: ...


Media = str | os.PathLike[str] | os.PathLike[bytes] | bytes | bytearray | memoryview | Readable


def is_media(source: Any) -> bool:
    """Whether it is what media is read from, and not frames."""
    if isinstance(source, (str, os.PathLike, bytes, bytearray, memoryview)):
        return True
    return callable(getattr(source, "read", None)) and callable(getattr(source, "seek", None))


def place_of(path: str | bytes | os.PathLike[Any], what: str) -> str:
    """A path as it is now, absolute: another process may be in another folder."""
    name = os.fsdecode(path)
    if not name:
        raise NotFound(what, "the path is empty", "name a file or a folder")
    if "\0" in name:
        shown = name.replace("\0", "\\0")
        raise Invalid(what, "a path holds no NUL character", "leave it out", shown)
    return os.path.abspath(name)


def origin_of(source: Any, allow: Iterable[str], what: str) -> tuple[_rushes.Origin, str]:
    """Where the core reads it from, and what it is called."""
    allowed = schemes_of(allow, what)
    if isinstance(source, str) and (found := SCHEME.match(source)):
        return of_address(source, (found[1] or found[2]).lower(), allowed, what)
    if isinstance(source, (str, os.PathLike)):
        path = place_of(source, what)
        return _rushes.Origin.path(path), path
    name = getattr(source, "name", None)
    name = name if isinstance(name, str) else ""
    called = name or f"<{type(source).__name__}>"
    if type(source) is io.BytesIO:
        # The bytes themselves, which it copies first when it is written to.
        source = source.getvalue()
    try:
        view = memoryview(source)
    except TypeError:
        return of_object(source, name, what), called
    if view.ndim != 1 or not view.c_contiguous:
        shape = "x".join(map(str, view.shape or ()))
        why = f"the memory is an array of {shape}, not a file's bytes one after another"
        raise Invalid(what, why, "give the encoded bytes, or a path; an array needs no reading")
    return _rushes.Origin.memory(view.cast("B"), name), called


def of_object(source: Any, name: str, what: str) -> _rushes.Origin:
    """Of what has `read` and `seek`."""
    if not is_media(source):
        takes = "a path, bytes, an address, or an object with read and seek"
        raise TypeError(f"media is read from {takes}, not from {type(source).__name__}")
    if isinstance(source, io.TextIOBase):
        raise Invalid(what, "the file is open as text", 'open it as bytes, with the mode "rb"')
    raw = getattr(source, "raw", source)
    plain = (io.BufferedReader, io.BufferedRandom, io.FileIO)
    if type(source) in plain and type(raw) is io.FileIO:
        # The system's own file: it is read by position, and its place in it stays.
        if source.writable():
            source.flush()
        return _rushes.Origin.file(source.fileno(), name)
    try:
        size = source.seek(0, os.SEEK_END)
        # Some give nothing, and say where they are only when they are asked.
        size = source.tell() if size is None else size
    except OSError as error:
        remedy = "read it first: rushes.open(io.BytesIO(file.read()))"
        raise Invalid(what, f"it cannot be read at any place: {error}", remedy) from error
    return _rushes.Origin.object(source, size, name)


def of_address(
    address: str, scheme: str, allowed: frozenset[str], what: str
) -> tuple[_rushes.Origin, str]:
    """Of a URL whose scheme is allowed."""
    if scheme == "file":
        parts = urlsplit(address)
        if parts.netloc not in ("", "localhost"):
            why = f"{parts.netloc!r} is another machine"
            raise Invalid(what, why, "write it as file:///folder/clip.mp4", address)
        # Names that are no UTF-8 too.
        path = place_of(unquote_to_bytes(parts.path), what)
        return _rushes.Origin.path(path), path
    if scheme not in SCHEMES:
        remedy = f"download it, or write ./{address} where it is a file's name"
        raise Unsupported(what, f"{scheme}: addresses are not read", remedy)
    if scheme not in allowed:
        remedy = f'allow it where the address is one that you trust: allow=("{scheme}",)'
        raise Denied(what, f"{scheme} is not allowed", remedy)
    # Not loaded for those who read files.
    from ._http import Address

    remote = Address(address, allowed, what)
    return _rushes.Origin.object(remote, remote.size_bytes, remote.name), address


def schemes_of(allow: Iterable[str], what: str) -> frozenset[str]:
    """The schemes that are allowed, in lower case."""
    # One word is what is meant, not its letters.
    words = [allow] if isinstance(allow, str) else list(allow)
    for word in words:
        if not isinstance(word, str) or word.lower() not in SCHEMES:
            raise Invalid(what, f"allow has {word!r}", f"it may have {', '.join(SCHEMES)}")
    return frozenset(word.lower() for word in words)

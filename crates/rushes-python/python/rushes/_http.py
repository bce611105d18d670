"""Media behind an address, by HTTP ranges (RFC 9110, section 14)."""

from __future__ import annotations

import base64
import http.client
import os
import re
import urllib.error
import urllib.request
from typing import IO, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from ._errors import CorruptMedia, Denied, Error, NotFound, Unavailable, Unsupported

READING = "reading from the address"
# How long a server may say nothing.
PATIENCE_SECS = 30
# What is not further ahead is read and dropped, which is sooner than a new request.
NEAR_BYTES = 256 << 10
PARTIAL = 206
CONTENT_RANGE = re.compile(r"bytes ([0-9]+)-([0-9]+)/([0-9]+|\*)")


class Redirects(urllib.request.HTTPRedirectHandler):
    """Goes where a server sends us, if that is by a scheme that is allowed."""

    def __init__(self, allowed: frozenset[str]) -> None:
        self.allowed = allowed

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        scheme = urlsplit(newurl).scheme.lower()
        if scheme not in self.allowed:
            fp.close()
            why = f"the server sends us on by {scheme}, which is not allowed"
            raise Denied(READING, why, f'allow it: allow=(..., "{scheme}")', told(req.full_url))
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class Address:
    """A file on a web server, read as one on a disk is: `read`, `seek`.

    One request is open at a time, and is read on for as long as who reads goes forward.
    """

    def __init__(self, address: str, allowed: frozenset[str], what: str) -> None:
        self._opener = opener(allowed)
        self._request, self._shown = request_of(address), told(address)
        self.name = os.path.basename(unquote(urlsplit(address).path))
        self._position = self._at = 0
        self._answer: IO[bytes] | None = None
        self._kept: tuple[int, str | None] | None = None
        self.size_bytes: int
        self._ask(0)
        assert self._kept is not None
        self.size_bytes = self._kept[0]

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size_bytes}[whence]
        self._position = start + offset
        return self._position

    def read(self, size: int, /) -> bytes:
        size = min(size, self.size_bytes - self._position)
        if size <= 0:
            return b""
        ahead = self._position - self._at
        if self._answer is None or not 0 <= ahead <= NEAR_BYTES:
            self._ask(self._position)
        elif ahead:
            self._take(ahead)
        data = self._take(size)
        self._position = self._at
        return data

    def close(self) -> None:
        """Ends the connection; the next read begins another."""
        if self._answer is not None:
            self._answer.close()
            self._answer = None

    def __del__(self) -> None:
        if getattr(self, "_answer", None) is not None:
            self.close()

    def _ask(self, start: int) -> None:
        """Requests everything from a place on."""
        self.close()
        self._request.add_header("Range", f"bytes={start}-")
        try:
            answer = self._opener.open(self._request, timeout=PATIENCE_SECS)
        except urllib.error.HTTPError as error:
            error.close()
            raise self._refused(error.code, error.reason) from None
        except Error:
            raise
        except (OSError, http.client.HTTPException) as error:
            raise self._failed(str(getattr(error, "reason", error))) from error
        self._answer, self._at = answer, start
        try:
            self._check(answer, start)
        except Error:
            self.close()
            raise

    def _check(self, answer: Any, start: int) -> None:
        """Whether this is the part that was asked for, of the same file as before."""
        stated = CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", "").strip())
        if answer.status != PARTIAL or stated is None or stated[3] == "*":
            why = "the server gives files only whole, not in parts"
            raise Unsupported(READING, why, "download it first", self._shown)
        if int(stated[1]) != start:
            raise self._failed("the server gave another part than was asked for")
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            why = "the server compresses the file on its way"
            raise Unsupported(READING, why, "download it first", self._shown)
        mark = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
        kept = (int(stated[3]), mark)
        if self._kept not in (None, kept):
            raise self._failed("the file was changed while it was being read")
        self._kept = kept

    def _take(self, size: int) -> bytes:
        """So many of the next bytes."""
        assert self._answer is not None
        parts, left = [], size
        while left:
            try:
                part = self._answer.read(left)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                raise self._failed(str(error)) from error
            if not part:
                self.close()
                raise self._failed("the server ended the connection too early")
            parts.append(part)
            left -= len(part)
        self._at += size
        return b"".join(parts)

    def _failed(self, why: str) -> Unavailable:
        return Unavailable(READING, why, "try again", self._shown)

    def _refused(self, code: int, reason: str) -> Error:
        """The error for a status of HTTP."""
        said = f"the server says {code} {reason}".rstrip()
        if code in (404, 410):
            return NotFound(READING, said, None, self._shown)
        if code in (401, 403, 407):
            return Denied(READING, said, "see who may read it", self._shown)
        if code == 416:
            # Of a file with bytes the first one can be had.
            return CorruptMedia(READING, "it is empty", None, self._shown)
        return Unavailable(READING, said, None, self._shown)


def opener(allowed: frozenset[str]) -> urllib.request.OpenerDirector:
    """What knows the schemes that are allowed, and no others."""
    made = urllib.request.OpenerDirector()
    handlers: list[urllib.request.BaseHandler] = [
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        Redirects(allowed),
    ]
    if "http" in allowed:
        handlers.append(urllib.request.HTTPHandler())
    if "https" in allowed:
        handlers.append(urllib.request.HTTPSHandler())
    for handler in handlers:
        made.add_handler(handler)
    return made


def request_of(address: str) -> urllib.request.Request:
    """A request, with the name and password that the address has."""
    parts = urlsplit(address)
    if not parts.hostname:
        raise NotFound(READING, "it names no server", None, told(address))
    host = parts.netloc.rpartition("@")[2]
    request = urllib.request.Request(urlunsplit(parts._replace(netloc=host, fragment="")))
    request.add_header("User-Agent", "rushes")
    request.add_header("Accept-Encoding", "identity")
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        mark = base64.b64encode(pair.encode()).decode()
        # Not told to other servers that this one sends us to.
        request.add_unredirected_header("Authorization", f"Basic {mark}")
    return request


def told(address: str) -> str:
    """An address without what is nobody's business: password and parameters."""
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))

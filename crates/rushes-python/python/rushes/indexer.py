"""`MediaIndexer`: the prototype's class, for programs that were written for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ._errors import Unsupported
from ._record import Record, fraction

if TYPE_CHECKING:
    # The stub knows the methods.
    from rushes import Library
else:
    from ._library import Library

PAGE = 1000


class MediaIndexer:
    """The prototype's methods and shapes over a `Library`; new programs use that directly.

    What it does otherwise than the prototype did, and better: a file that is there twice is
    indexed as two places of one asset; a scan never drops what is on a disk that is not mounted;
    `sha1`, which was a hash of the first and last MiB, is always None. There is no database file
    to pass: `home` is the folder of the catalogue.
    """

    library: Library
    """The library behind it."""

    def __init__(
        self,
        *,
        root_path: str | os.PathLike[str] | None = None,
        home: str | os.PathLike[str] | None = None,
    ) -> None:
        self.library = Library(home)
        self._root_path = root_path

    def __repr__(self) -> str:
        return f"rushes.MediaIndexer(home={self.library.home!r})"

    def scan(
        self, root_path: str | os.PathLike[str] | None = None, workers: int | None = None
    ) -> dict[str, int]:
        """Indexes a folder: `root_path`, else the one from the constructor, else all that are known.

        Gives `processed` (files probed now), `errors` (files that could not be read) and
        `total_files` (files found).
        """
        folder = self._root_path if root_path is None else root_path
        roots = () if folder is None else (folder,)
        report = self.library.scan(*roots, workers=workers)
        return {
            "processed": report["probed"],
            "errors": len(report["failed"]) + report["more_failed"],
            "total_files": report["files"],
        }

    def get_recent(self, limit: int = 20) -> list[dict[str, Any]]:
        """The rows that came last, newest first, at most `limit` (1 to 1000)."""
        return [file_row(asset) for asset in self.library.recent(limit=limit)["items"]]

    def get_by_batch(self, batch_name: str) -> list[dict[str, Any]]:
        """All rows of this batch, which is the folder that the files are in."""
        return [file_row(asset) for asset in self._pages("batches_show", batch_name)]

    def get_all(self) -> list[dict[str, Any]]:
        """All rows."""
        return [file_row(asset) for asset in self._pages("search", "")]

    def get_stats(self) -> dict[str, Any]:
        """`total_files`, `total_size_bytes`, `by_mime` (`mime`, `count`, `size` in bytes) and
        `by_batch` (`batch`, `count`)."""
        stats = self.library.stats()
        return {
            "total_files": stats["places"],
            "total_size_bytes": stats["size_bytes"],
            "by_mime": [
                {"mime": total["name"], "count": total["count"], "size": total["size_bytes"]}
                for total in stats["by_mime"]
            ],
            "by_batch": [
                {"batch": total["name"], "count": total["count"]} for total in stats["by_batch"]
            ],
        }

    def index_media(
        self,
        *,
        scan_workers: int | None = None,
        sync_album: str | None = None,
        sync_category: str = "edit",
    ) -> dict[str, Any]:
        """Scans, and gives what `scan` gives with what `get_stats` gives as `db`."""
        if sync_album is not None:
            self.sync_photos_album(sync_album, sync_category)
        return {**self.scan(workers=scan_workers), "db": self.get_stats()}

    def sync_photos_album(self, album_name: str, category: str = "edit") -> dict[str, Any]:
        """Not there yet: raises `rushes.Unsupported`."""
        raise Unsupported(
            f"importing the album {album_name!r}",
            "Rushes does not read the Photos library yet",
            "export the album to a folder and scan that",
        )

    def backup(self, backup_root: str | os.PathLike[str]) -> dict[str, Any]:
        """Copies everything to `<backup_root>/<batch or _UNSORTED>/<name>` and reads every copy back.

        The folder must be there. Gives `copied`, `skipped` (assets that had a copy there), `errors`
        and, as the prototype did not, `offline` (assets whose disk is not here), all counts, and
        `failed`, the reasons.
        """
        report = self.library.backup(to=[os.fspath(backup_root)])
        place = report["destinations"][0]
        return {
            "copied": place["copied"] + place["found"],
            "skipped": place["already"],
            "errors": len(report["failed"]) + report["more_failed"],
            "offline": report["offline"],
            "failed": report["failed"],
        }

    def _pages(self, verb: str, *args: str) -> Iterator[Record]:
        page = getattr(self.library, verb)(*args, limit=PAGE)
        yield from page["items"]
        while page["next_cursor"] is not None:
            page = getattr(self.library, verb)(*args, limit=PAGE, cursor=page["next_cursor"])
            yield from page["items"]


def file_row(asset: Record) -> dict[str, Any]:
    """A row of the prototype's table of files."""
    duration = fraction(asset["duration_secs"])
    return {
        "id": asset["id"],
        "path": asset["path"],
        "size_bytes": asset["size_bytes"],
        "mtime": asset["modified"],
        "mime": asset["mime"],
        "width_px": asset["width_px"],
        "height_px": asset["height_px"],
        "duration_s": None if duration is None else float(duration),
        "batch": asset["batch"],
        "sha1": None,
        "created_at": asset["added"],
        "preview_path": None,
    }

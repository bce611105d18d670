"""The prototype's class."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rushes

ROW = {
    "id", "path", "size_bytes", "mtime", "mime", "width_px", "height_px", "duration_s", "batch",
    "sha1", "created_at", "preview_path",
}  # fmt: skip


def test_the_prototypes_methods_and_shapes(tmp_path: Path, media: Path, assets: int) -> None:
    indexer = rushes.MediaIndexer(root_path=media, home=tmp_path / "home")
    report = indexer.index_media(scan_workers=2)
    assert (report["processed"], report["errors"]) == (assets, 0)
    assert report["total_files"] >= assets
    stats = indexer.get_stats()
    assert report["db"] == stats and set(stats) == {
        "total_files", "total_size_bytes", "by_mime", "by_batch",
    }  # fmt: skip
    assert stats["total_files"] == sum(row["count"] for row in stats["by_batch"]) == assets
    assert {"mime", "count", "size"} == set(stats["by_mime"][0])
    rows = indexer.get_all()
    assert len(rows) == assets and all(set(row) == ROW for row in rows)
    json.dumps(rows)
    coast = indexer.get_by_batch("Coast")
    assert 0 < len(coast) < assets and all(row["batch"] == "Coast" for row in coast)
    video = next(row for row in coast if row["path"].endswith("held-upright.mov"))
    assert video["duration_s"] == pytest.approx(4.004)
    assert (video["width_px"], video["height_px"]) == (720, 1280), "as it is shown, upright"
    assert len(indexer.get_recent(3)) == 3
    assert indexer.scan()["processed"] == 0


def test_a_file_that_is_there_twice_is_no_error(tmp_path: Path, media: Path) -> None:
    """It violated the prototype's primary key."""
    folder = tmp_path / "twice"
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        shutil.copy2(media / "Studio" / "sweep.flac", folder / name)
    indexer = rushes.MediaIndexer(home=tmp_path / "home")
    assert indexer.scan(folder) == {"processed": 1, "errors": 0, "total_files": 2}
    assert indexer.get_stats()["total_files"] == 2
    assert len(indexer.get_all()) == 1


def test_what_is_not_there_yet_says_so(tmp_path: Path) -> None:
    indexer = rushes.MediaIndexer(home=tmp_path / "home")
    with pytest.raises(rushes.Unsupported, match="export the album"):
        indexer.sync_photos_album("Edit Ready")


def test_everything_is_backed_up_however_small(tmp_path: Path) -> None:
    """The prototype took files below a megabyte for copied, and replaced what had their names."""
    for batch in ("One", "Two"):
        (tmp_path / "media" / batch).mkdir(parents=True)
        picture = np.full((8, 8, 3), len(batch) + ord(batch[0]), np.uint8)
        rushes.imwrite(tmp_path / "media" / batch / "a.png", picture)
    disk = tmp_path / "disk"
    (disk / "One").mkdir(parents=True)
    (disk / "One" / "a.png").write_bytes(b"somebody else's")
    indexer = rushes.MediaIndexer(home=tmp_path / "home")
    indexer.scan(tmp_path / "media")
    done = indexer.backup(disk)
    assert (done["copied"], done["skipped"], done["errors"]) == (2, 0, 0)
    assert (disk / "One" / "a.png").read_bytes() == b"somebody else's"
    for batch, copy in (("One", "One/a_2.png"), ("Two", "Two/a.png")):
        assert (disk / copy).read_bytes() == (tmp_path / "media" / batch / "a.png").read_bytes()
    again = indexer.backup(disk)
    assert (again["copied"], again["skipped"]) == (0, 2)
    with pytest.raises(rushes.NotFound, match="mount the disk"):
        indexer.backup(tmp_path / "nowhere")


def test_a_workflow_is_given_step_by_step(tmp_path: Path, media: Path) -> None:
    library = rushes.Library(home=tmp_path / "home")
    steps: Any = [{"action": "scan", "root": media}]
    scanned = library.workflow(steps)
    assert scanned.action == "scan" and scanned.files > 0
    steps = [
        {"action": "search", "query": "kind:still", "step": "found"},
        {"action": "show", "id": "${found.items.0.id}"},
    ]
    both = library.workflow(steps)
    assert [step.action for step in both] == ["search", "show"]
    assert both[1].id == both[0]["items"][0].id

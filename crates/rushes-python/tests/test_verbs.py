"""The methods do what the command does, on the same catalogue."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import MANY, PATIENCE_SECS, Command, settle

import rushes
from rushes import _rushes


def registry() -> list[dict[str, Any]]:
    actions: list[dict[str, Any]] = json.loads(_rushes.describe())
    return actions


def test_every_verb_of_the_command_is_a_method() -> None:
    """The command's own help is asked, so that the registry alone cannot decide."""
    program = os.environ["RUSHES_COMMAND"]

    def verbs(*words: str) -> set[str]:
        done = subprocess.run(
            [program, *words, "--help"], capture_output=True, text=True, check=True
        )
        listed = done.stdout.split("Commands:\n", 1)[1].split("\n\n", 1)[0]
        names = [line.split()[0] for line in listed.splitlines() if line[2:3] != " "]
        return {"_".join([*words, name]) for name in names} - {f"{'_'.join([*words, 'help'])}"}

    wanted = verbs()
    for group in ("paths", "destinations", "jobs", "batches"):
        wanted = wanted - {group} | verbs(group)
    wanted -= {"help", "serve", "completions", "man"}
    assert len(wanted) == len(registry()) >= 19
    assert {name for name in wanted if not callable(getattr(rushes.Library, name, None))} == set()
    assert {"_".join(action["name"]) for action in registry()} == wanted


def test_a_scan_and_what_it_found_agree_with_the_command(
    scanned: rushes.Library, assets: int, command: Command, media: Path
) -> None:
    page = scanned.search("sort:name")
    assert len(page["items"]) == assets > 10
    assert page == command(scanned, "search", "sort:name")
    for asset in page["items"]:
        assert scanned.show(asset.id) == command(scanned, "show", asset.id)
    files = sorted(media.rglob("*.m*"))
    assert len(files) > 3
    assert scanned.probe(*files) == command(scanned, "probe", *files)
    assert scanned.stats() == command(scanned, "stats")
    assert scanned.recent(limit=5) == command(scanned, "recent", "-n", 5)
    assert scanned.paths_list() == command(scanned, "paths", "list")
    assert scanned.batches_list() == command(scanned, "batches", "list")
    assert scanned.batches_show("Coast") == command(scanned, "batches", "show", "Coast")
    assert scanned.jobs_list() == command(scanned, "jobs", "list")
    assert scanned.jobs_list()["jobs"][-1].kind == "scan"
    doctor = scanned.doctor()
    assert doctor == command(scanned, "doctor")
    assert doctor.missing == [] and rushes.__version__ == doctor.version


def test_workers_of_an_interpreter_are_locked_down(scanned: rushes.Library) -> None:
    holds = {held.name: held.holds for held in scanned.doctor().protections}
    assert holds["seccomp"] and holds["memory limit"] and len(holds) >= 6


def test_pages_follow_one_another(scanned: rushes.Library, assets: int) -> None:
    names, cursor = [], None
    while True:
        page = scanned.search("sort:name", limit=5, cursor=cursor)
        names += [asset.name for asset in page["items"]]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(names) == len(set(names)) == assets


def test_a_dry_run_gives_the_plan_and_changes_nothing(library: rushes.Library, media: Path) -> None:
    plan = library.scan(media, full=True, dry_run=True)
    assert plan.summary and len(plan.effects) >= 2 and plan.more == 0
    assert all(effect.key and effect.does for effect in plan.effects)
    assert library.paths_add(media, dry_run=True).effects
    assert library.paths_list() == {"roots": []}
    changing = {"_".join(action["name"]) for action in registry() if action["changes"]}
    assert {"scan", "paths_add", "jobs_cancel", "hash"} <= changing
    for name in changing:
        assert "dry_run" in getattr(rushes.Library, name).__signature__.parameters


def test_a_relative_path_begins_in_the_current_folder(
    library: rushes.Library, media: Path, assets: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(media.parent)
    report = library.scan(media.name)
    assert report.probed == assets
    assert library.paths_list()["roots"][0].path == str(media)
    job = library.jobs_list()["jobs"][-1]
    assert job.params.roots == [str(media)], "another process would look elsewhere"


def test_names_that_are_no_unicode(library: rushes.Library, media: Path, tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/na\xefve"
    os.mkdir(folder)
    picture = (media / "Studio" / "contours.png").read_bytes()
    with open(folder + b"/\xff.png", "wb") as file:
        file.write(picture)
    settle(Path(os.fsdecode(folder)))
    for given in (folder, os.fsdecode(folder), Path(os.fsdecode(folder))):
        assert library.scan(given).files == 1  # type: ignore[arg-type]
    assert len(library.paths_list()["roots"]) == 1
    found = library.probe(os.fsdecode(folder) + "/\udcff.png")
    assert found.failed == [] and found.files[0].size_bytes == len(picture)


def test_progress_is_told(library: rushes.Library, media: Path, assets: int) -> None:
    told: list[tuple[int, int | None, str, str | None]] = []
    library.scan(media, progress=lambda *news: told.append(news))
    assert told, "a scan tells at least how it ended"
    done, _, unit, _ = told[-1]
    assert done >= assets and unit == "files"


def test_what_progress_raises_ends_the_action(library: rushes.Library, many: Path) -> None:
    def stop(done: int, total: int | None, unit: str, note: str | None) -> None:
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        library.scan(many, progress=stop)
    assert library.jobs_list()["jobs"][0].state == "cancelled"
    assert library.stats().places < MANY or library.search("error:yes")["items"] == []


def test_hash_previews_and_check(library: rushes.Library, media: Path, assets: int) -> None:
    library.scan(media, full=True)
    assert library.previews().made == assets
    assert all(asset.hashed and asset.preview for asset in library.search()["items"])
    report = library.check(read_data_percent=100)
    assert report.violations == [] and report.read == assets
    assert library.hash().hashed == 0


def test_the_home_is_the_one_of_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUSHES_HOME", str(tmp_path / "a"))
    assert rushes.Library().home == str(tmp_path / "a")
    assert rushes.Library(tmp_path / "b").home == str(tmp_path / "b")
    monkeypatch.setenv("RUSHES_HOME", "")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "c"))
    assert rushes.Library().home == str(tmp_path / "c" / "rushes")
    assert not list(tmp_path.iterdir()), "nothing is created before it is needed"


def test_a_library_can_be_closed_and_pickled(scanned: rushes.Library) -> None:
    before = scanned.stats()
    scanned.close()
    assert scanned.stats() == before
    other = pickle.loads(pickle.dumps(scanned))
    assert other.home == scanned.home and other.stats() == before


def test_the_worker_is_of_no_use_by_hand() -> None:
    worker = Path(rushes.__file__).with_name("worker.py")
    done = subprocess.run(
        [sys.executable, "-I", "-S", worker],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECS,
    )
    assert done.returncode == 2 and "not by hand" in done.stderr

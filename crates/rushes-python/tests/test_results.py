"""Records and exceptions."""

from __future__ import annotations

import copy
import json
import pickle
from fractions import Fraction
from pathlib import Path

import pytest

import rushes

CLASSES: dict[str, tuple[type[rushes.Error], type[Exception]]] = {
    "invalid": (rushes.Invalid, ValueError),
    "not_found": (rushes.NotFound, FileNotFoundError),
    "unsupported": (rushes.Unsupported, Exception),
    "corrupt": (rushes.CorruptMedia, Exception),
    "limit": (rushes.LimitExceeded, MemoryError),
    "denied": (rushes.Denied, PermissionError),
    "unavailable": (rushes.Unavailable, OSError),
    "conflict": (rushes.Conflict, FileExistsError),
    "bug": (rushes.Bug, RuntimeError),
}


def test_a_record_is_a_dict_with_attributes(scanned: rushes.Library) -> None:
    page = scanned.search("held-upright")
    asset = page["items"][0]
    assert isinstance(asset, dict) and type(asset) is rushes.Record
    assert asset.name == asset["name"] == "held-upright.mov"
    assert json.loads(json.dumps(page)) == page
    assert pickle.loads(pickle.dumps(page)) == copy.deepcopy(page) == page
    assert "frame_rate_hz" in dir(asset)
    with pytest.raises(AttributeError, match="no 'nmae', only added, "):
        _ = asset.nmae
    text = repr(rushes.Record(a=list(range(9)), b="x" * 99, c=rushes.Record(d=None)))
    assert text == f"Record(a=[0, 1, 2, ... 6 more], b='{'x' * 60}'..., c=Record(d=None))"


def test_exact_numbers_stay_exact(scanned: rushes.Library) -> None:
    asset = scanned.search("held-upright")["items"][0]
    assert rushes.fraction(asset.frame_rate_hz) == Fraction(30000, 1001)
    assert rushes.fraction(asset.duration_secs) == Fraction(1001, 250)
    assert rushes.fraction(None) is None


def test_every_kind_has_a_class() -> None:
    schema = json.loads(rushes._rushes.describe())[0]["result_definitions"]
    kinds = {kind["const"] for kind in schema["Kind" if "Kind" in schema else "ErrorKind"]["oneOf"]}
    assert kinds == set(CLASSES)
    for kind, (own, python) in CLASSES.items():
        error = own("reading", "it ends early", "copy it again", "/a/b.mov")
        assert own.kind == kind and isinstance(error, (rushes.Error, python))
        assert issubclass(own, python) and issubclass(own, rushes.Error)
        assert str(error) == "reading: it ends early; copy it again: /a/b.mov"
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is own and str(again) == str(error)
        assert (again.what, again.why) == ("reading", "it ends early")
        assert (again.remedy, again.path) == ("copy it again", "/a/b.mov")


def test_failures_raise_their_class(
    library: rushes.Library, scanned: rushes.Library, tmp_path: Path
) -> None:
    with pytest.raises(rushes.NotFound) as caught:
        scanned.show("nothing")
    assert caught.value.kind == "not_found" and "nothing" in caught.value.why
    with pytest.raises(FileNotFoundError) as missing:
        library.scan(tmp_path / "nowhere")
    assert missing.value.filename == str(tmp_path / "nowhere") and missing.value.errno == 2
    with pytest.raises(rushes.Invalid, match="there is no filter"):
        scanned.search("colour:red")
    with pytest.raises(rushes.Invalid, match="limit is 0, and may be 1 to 1000"):
        scanned.recent(limit=0)
    with pytest.raises(rushes.Invalid, match="rate_mb_per_sec is 0, and may be at least 1"):
        library.hash(rate_mb_per_sec=0)
    with pytest.raises(rushes.Invalid, match="invalid type"):
        scanned.recent(limit="ten")  # type: ignore[arg-type]
    with pytest.raises(rushes.Conflict):
        scanned.jobs_retry(scanned.jobs_list()["jobs"][-1].id)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(rushes.Conflict) as taken:
        rushes.Library(tmp_path / "file").stats()
    assert taken.value.path == str(tmp_path / "file")


def test_what_one_file_does_is_listed(scanned: rushes.Library, media: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes((media / "Studio" / "into-the-valley.mp4").read_bytes()[:200])
    report = scanned.probe(cut, media / "Studio" / "sweep.flac")
    assert len(report.files) == 1 and len(report.failed) == 1
    assert report.failed[0].error.kind in CLASSES


def test_wrong_arguments_are_type_errors(scanned: rushes.Library) -> None:
    with pytest.raises(TypeError, match=r"Library.show\(\): missing a required argument: 'id'"):
        scanned.show()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'limits'"):
        scanned.search(limits=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        scanned.search("a", 3)  # type: ignore[call-arg]

"""The examples in the documentation run, in order, as they stand there."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY

import rushes

FENCED = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:^    .*\n|^\n)+", re.MULTILINE)


@pytest.fixture
def elsewhere(tmp_path: Path, media: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the samples in `media`, and a home of its own."""
    (tmp_path / "media").symlink_to(media)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUSHES_HOME", str(tmp_path / "home"))
    return tmp_path


def test_the_page_about_python(
    elsewhere: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The page sets it, and what is undone after the test is what was there before.
    monkeypatch.setattr(rushes, "memory_budget_bytes", 1 << 40, raising=False)
    page = (REPOSITORY / "docs" / "python.md").read_text(encoding="utf-8")
    examples = FENCED.findall(page)
    assert len(examples) == 25
    names: dict[str, Any] = {}
    for example in examples:
        exec(compile(example, "docs/python.md", "exec"), names)
    printed = capsys.readouterr().out
    for wanted in (
        "held-upright.mov h264 720 1280",
        "4.004 seconds",
        "would ",
        "not_found",
        "120 frames of 720x1280 rgb24 uint8",
        "(120, 1280, 720, 3) uint8",
        "and the budget is 95.4 MiB",
    ):
        assert wanted in printed
    assert names["report"].failed and names["library"].stats().assets > 10


def test_the_page_about_numm(
    elsewhere: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # No window is opened on whose machine it is.
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    page = (REPOSITORY / "docs" / "numm.md").read_text(encoding="utf-8")
    examples = FENCED.findall(page)
    assert len(examples) == 3
    names: dict[str, Any] = {}
    for example in examples:
        exec(compile(example, "docs/numm.md", "exec"), names)
    assert "1000000000 " in capsys.readouterr().out
    assert len(names["peaks"]) > 10
    assert all((elsewhere / f"backwards.{kind}").stat().st_size for kind in ("mp4", "flac"))


def test_the_page_about_pimage(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (REPOSITORY / "docs" / "pimage.md").read_text(encoding="utf-8")
    examples = FENCED.findall(page)
    assert len(examples) == 2
    names: dict[str, Any] = {}
    for example in examples:
        exec(compile(example, "docs/pimage.md", "exec"), names)
    assert capsys.readouterr().out == "Done\n"
    with rushes.open("bar/myconvertedvideo.avi") as made:
        assert len(made) == len(rushes.open("media/Studio/into-the-valley.mp4"))
    assert len(rushes.open("small.mp4")) == 50 and rushes.imread("seven.jpg").ndim == 3
    assert len(rushes.open("both.gif")) == 50


@pytest.mark.parametrize("name", ["README.md", "crates/rushes-python/README.md"])
def test_a_readme(name: str, elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (REPOSITORY / name).read_text(encoding="utf-8")
    examples = [text for text in INDENTED.findall(page) if "import rushes" in text]
    assert len(examples) == 1
    example = textwrap.dedent(examples[0]).replace('"/media/card"', '"media"')
    example = example.replace("duration:>10", "duration:>1")
    exec(compile(example, name, "exec"), {})
    assert "held-upright.mov h264 30000/1001" in capsys.readouterr().out

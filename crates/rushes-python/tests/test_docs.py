"""The examples in the documentation run, in order, as they stand there."""

from __future__ import annotations

import re
import subprocess
import sys
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


def run(page: str, count: int) -> dict[str, Any]:
    """Runs the examples of a page, of which there are so many; the names they leave."""
    text = (REPOSITORY / "docs" / page).read_text(encoding="utf-8")
    examples = FENCED.findall(text)
    assert len(examples) == count
    names: dict[str, Any] = {}
    for example in examples:
        exec(compile(example, f"docs/{page}", "exec"), names)
    return names


def test_the_first_page(elsewhere: Path, media: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # As it stands there: in the root of a checkout.
    (elsewhere / "media").unlink()
    (elsewhere / "samples").mkdir()
    (elsewhere / "samples" / "media").symlink_to(media)
    run("start.md", 3)
    printed = capsys.readouterr().out
    assert "120 frames of 720x1280 rgb24 uint8" in printed
    assert "(1440, 1080, 3) (192000, 1) 48000" in printed
    assert "held-upright.mov h264 1001/250" in printed
    assert len(rushes.open("backwards.mp4")) == 10


def test_the_cookbook(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = run("cookbook.md", 25)
    printed = capsys.readouterr().out
    assert "(1280, 720, 3) 1001/300" in printed and "name='still'" in printed
    assert len((elsewhere / "frames.csv").read_text(encoding="utf-8").splitlines()) == 121
    assert rushes.imread("strip.png").shape == (160, 900, 3)
    for path, frames in (("lapse.mp4", 12), ("part.gif", 45), ("coast.mp4", 120)):
        assert len(rushes.open(path)) == frames
    assert rushes.open("before-after.mp4").shape[2] == 478
    assert len(names["of_frame_100"]) > 1000 and len(names["table"]) > 10


def test_the_page_about_python(
    elsewhere: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The page sets it, and what is undone after the test is what was there before.
    monkeypatch.setattr(rushes, "memory_budget_bytes", 1 << 40, raising=False)
    names = run("python.md", 34)
    printed = capsys.readouterr().out
    for wanted in (
        "held-upright.mov h264 720 1280",
        "4.004 seconds",
        "would ",
        "not_found",
        "120 frames of 720x1280 rgb24 uint8",
        "(120, 1280, 720, 3) uint8",
        "and the budget is 95.4 MiB",
        'https is not allowed; allow it where the address is one that you trust: allow=("https",)',
    ):
        assert wanted in printed
    assert names["report"].failed and names["library"].stats().assets > 10


def test_the_page_about_numm(
    elsewhere: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # No window is opened on whose machine it is.
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    names = run("numm.md", 3)
    assert "1000000000 " in capsys.readouterr().out
    assert len(names["peaks"]) > 10
    assert all((elsewhere / f"backwards.{kind}").stat().st_size for kind in ("mp4", "flac"))


def test_the_page_about_pimage(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("pimage.md", 2)
    for name in [name for name in sys.modules if name.partition(".")[0] == "pImage"]:
        del sys.modules[name]
    assert capsys.readouterr().out == "Done\n"
    with rushes.open("bar/myconvertedvideo.avi") as made:
        assert len(made) == len(rushes.open("media/Studio/into-the-valley.mp4"))
    assert len(rushes.open("small.mp4")) == 50 and rushes.imread("seven.jpg").ndim == 3
    assert len(rushes.open("both.gif")) == 50


def test_the_page_about_torch(elsewhere: Path, media: Path) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    page = (REPOSITORY / "docs" / "torch.md").read_text(encoding="utf-8")
    (example,) = FENCED.findall(page)
    (elsewhere / "program.py").write_text(example, encoding="utf-8")
    paths = ["media/Coast/held-upright.mov", "media/Studio/into-the-valley.mp4"]
    line = [sys.executable, "program.py", *paths]
    done = subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    seconds = [rushes.open(path).duration for path in paths]
    some = sum(-(-2 * time.numerator // time.denominator) for time in seconds)
    assert done.stdout.split() == ["fork", "120", str(some), "spawn", "120", str(some)]


@pytest.mark.parametrize("name", ["README.md", "crates/rushes-python/README.md"])
def test_a_readme(name: str, elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (REPOSITORY / name).read_text(encoding="utf-8")
    examples = [text for text in INDENTED.findall(page) if "import rushes" in text]
    assert len(examples) == 1
    example = textwrap.dedent(examples[0]).replace('"/media/card"', '"media"')
    example = example.replace("duration:>10", "duration:>1")
    exec(compile(example, name, "exec"), {})
    assert "held-upright.mov h264 30000/1001" in capsys.readouterr().out

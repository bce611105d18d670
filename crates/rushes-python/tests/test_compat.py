"""Older programs as they are: the names of the packages that they were written for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import rushes
from rushes.compat import install

PROGRAM = """
import sys
import pImage
from pImage.readers import VideoReader
import pImage.video.writers as writers
import numm

assert __name__ == "__main__" and VideoReader is pImage.VideoReader
assert writers.AviWriter is pImage.AviWriter and pImage.video.readers is pImage.readers
assert numm.opencv.np2cv

input_video_path = sys.argv[1]
output_video_path = r"bar/myconvertedvideo.avi"

converter = pImage.Standard_Converter(input_video_path, output_video_path)
converter.start()
"""


def run(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "rushes.compat", *map(str, words)]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)


def test_a_program_runs_as_it_is(tmp_path: Path, media: Path) -> None:
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs" / "convert.py").write_text("import beside\n" + PROGRAM)
    (tmp_path / "programs" / "beside.py").write_text("")
    clip = media / "Studio" / "into-the-valley.mp4"
    done = run(tmp_path, "programs/convert.py", clip)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Done\n", "")
    assert len(rushes.open(tmp_path / "bar" / "myconvertedvideo.avi")) == len(rushes.open(clip))
    for words in ([], ["none.py"]):
        done = run(tmp_path, *words)
        assert done.returncode == 1 and "program.py" in done.stderr or "none.py" in done.stderr


def test_without_it_the_names_are_free(tmp_path: Path) -> None:
    (tmp_path / "pImage.py").write_text("mine = True")
    program = """
import rushes, rushes.compat.pImage
import pImage
assert pImage.mine
try:
    rushes.compat.install("pImage")
except rushes.Conflict as error:
    print(error.why)
rushes.compat.install("numm")
import numm
assert numm is rushes.compat.numm and pImage.mine
"""
    line = [sys.executable, "-c", program]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "another pImage was imported before\n"
    with pytest.raises(rushes.Invalid, match="'no_such'"):
        install("no_such")
    assert "no_such" not in sys.modules

"""Media from bytes, from objects that read, and from addresses."""

from __future__ import annotations

import array
import http.server
import io
import json
import mmap
import os
import pickle
import re
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy
import pytest
from conftest import PATIENCE_SECS

import rushes
from clips import Clips, clips

__all__ = ["clips"]


class Reading:
    """An object that reads, and nothing else; it counts, and fails where it is told to."""

    def __init__(self, data: bytes, most: int = 1 << 30) -> None:
        self.file, self.most, self.count = io.BytesIO(data), most, 0
        self.fails: BaseException | None = None

    def read(self, size: int) -> Any:
        if self.fails:
            raise self.fails
        data = self.file.read(min(size, self.most))
        self.count += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        return self.file.seek(offset, whence)


def given(path: Path, folder: Path) -> Iterator[tuple[str, Any]]:
    """A file in every shape that it is taken in."""
    data = path.read_bytes()
    yield "bytes", data
    yield "bytearray", bytearray(data)
    yield "memoryview", memoryview(data)
    yield "array", array.array("B", data)
    yield "numpy", numpy.frombuffer(data, "uint8")
    yield "BytesIO", io.BytesIO(data)
    yield "object", Reading(data)
    yield "short reads", Reading(data, most=1000)
    with path.open("rb") as file:
        yield "file", file
        yield "mmap", mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    with path.open("rb", buffering=0) as raw:
        yield "raw file", raw
    with zipfile.ZipFile(folder / "media.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.write(path, "inside.bin")
    with zipfile.ZipFile(folder / "media.zip") as packed, packed.open("inside.bin") as member:
        yield "zip", member
    yield "address", path.as_uri()


@pytest.mark.parametrize("name", ["plain.mp4", "open.mkv", "stream.ts"])
def test_a_video_is_the_same_from_everywhere(name: str, clips: Clips, tmp_path: Path) -> None:
    with rushes.open(clips[name]) as video:
        chosen = [149, 3, 70]
        wanted, times = video[chosen], list(video.times)
    count = 0
    for kind, source in given(clips[name], tmp_path):
        with rushes.open(source) as video:
            assert list(video.times) == times, kind
            assert (video[chosen] == wanted).all(), kind
        count += 1
    assert count == 13


@pytest.mark.parametrize("name", ["moonrise.jpg", "dawn-over-the-ridges.jpg"])
def test_a_still_is_the_same_from_everywhere(name: str, media: Path, tmp_path: Path) -> None:
    # Turned by its tags, which are read from the same bytes.
    wanted = rushes.imread(media / "Coast" / name)
    for kind, source in given(media / "Coast" / name, tmp_path):
        assert (rushes.imread(source) == wanted).all(), kind
    lying = rushes.imread(media / "Coast" / "moonrise.jpg", upright=False)
    assert lying.shape != rushes.imread((media / "Coast" / "moonrise.jpg").read_bytes()).shape


def test_sound_is_the_same_from_everywhere(media: Path, tmp_path: Path) -> None:
    wanted, rate = rushes.aread(media / "Studio" / "sweep.flac")
    for kind, source in given(media / "Studio" / "sweep.flac", tmp_path):
        samples, found = rushes.aread(source)
        assert found == rate and (samples == wanted).all(), kind


def test_pictures_in_a_row_from_bytes(media: Path, tmp_path: Path) -> None:
    frames = numpy.random.default_rng(1).integers(0, 256, (3, 20, 30, 3), "uint8")
    for suffix in ("gif", "png"):
        path = tmp_path / f"moving.{suffix}"
        if suffix == "gif":
            rushes.write(path, frames, fps=10)
        else:
            rushes.imwrite(path, frames[0])
        for source in (path.read_bytes(), Reading(path.read_bytes())):
            with rushes.open(path) as one, rushes.open(source) as other:
                assert (one[:] == other[:]).all() and list(one.times) == list(other.times)
    with pytest.raises(rushes.Unsupported, match="by its path"):
        rushes.open(b"[Sequence Settings]\r\nWidth=2\r\n")


def test_a_stream_takes_bytes_and_what_reads(clips: Clips) -> None:
    data = clips["plain.mp4"].read_bytes()
    wanted = [frame.mean() for frame in rushes.Stream(clips["plain.mp4"])]
    for source in (data, bytearray(data), Reading(data)):
        assert [frame.mean() for frame in rushes.Stream(source)] == wanted


def test_memory_is_not_copied(tmp_path: Path) -> None:
    frames = numpy.random.default_rng(2).integers(0, 256, (40, 500, 500, 3), "uint8")
    path = tmp_path / "large.mkv"
    rushes.write(path, frames, fps=25, codec="ffv1")
    program = """
import io, resource, sys, rushes
data = open(sys.argv[1], "rb").read() + bytes(200 << 20)
rushes.open(sys.argv[1])[3]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for source in (data, io.BytesIO(data), memoryview(data)):
    assert rushes.open(source)[3].shape == (500, 500, 3)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    line = [sys.executable, "-c", program, str(path)]
    grown = int(subprocess.run(line, check=True, capture_output=True, text=True).stdout)
    assert grown < 100 << 10  # KiB


def test_the_place_in_a_file_stays_and_it_may_be_closed(clips: Clips) -> None:
    with clips["plain.mp4"].open("rb") as file:
        file.seek(77)
        video = rushes.open(file)
        assert file.tell() == 77 and video.path == str(clips["plain.mp4"])
    assert video[149].shape == (96, 192, 3)
    with io.BytesIO(clips["plain.mp4"].read_bytes()) as memory:
        video = rushes.open(memory)
    assert video[149].shape == (96, 192, 3) and video.path == "<BytesIO>"


def test_what_read_raises_comes_out(media: Path) -> None:
    class Broken(Exception):
        pass

    data = (media / "Coast" / "a-day-on-the-coast.mp4").read_bytes()
    source = Reading(data)
    video = rushes.open(source)
    wanted = video[100]
    source.fails = Broken("the tape is torn")
    with pytest.raises(Broken, match="torn"):
        video[-1], video[0]
    source.fails = None
    assert (video[100] == wanted).all()
    failing: list[Callable[[Any], Any]] = [rushes.open, rushes.imread, rushes.aread]
    for read in failing:
        source = Reading(data)
        source.fails = Broken("torn")
        with pytest.raises(Broken):
            read(source)
        source.fails = KeyboardInterrupt()
        with pytest.raises(KeyboardInterrupt):
            read(source)


def test_what_cannot_be_read_from(clips: Clips, tmp_path: Path) -> None:
    class Text(Reading):
        def read(self, size: int) -> Any:
            return "text"[:size]

    with pytest.raises(rushes.Invalid, match=r'read\(\) gave str, not bytes.*"rb"'):
        rushes.imread(Text(b"1234"))
    with pytest.raises(rushes.Invalid, match="open as text"):
        rushes.imread(io.StringIO("1234"))
    with pytest.raises(rushes.Invalid, match="array of 4x4x3"):
        rushes.imread(memoryview(bytes(48)).cast("B", (4, 4, 3)))
    with pytest.raises(TypeError, match="not from float"):
        rushes.open(1.5)  # type: ignore[call-overload]
    read, write = os.pipe()
    os.close(write)
    with os.fdopen(read, "rb") as pipe, pytest.raises(rushes.Error):
        rushes.imread(pipe)
    for empty in (b"", io.BytesIO(), Reading(b"")):
        with pytest.raises(rushes.CorruptMedia):
            rushes.imread(empty)
    # What says that it is longer than it is, and what is cut.
    data = clips["plain.mp4"].read_bytes()

    class Longer(Reading):
        def seek(self, offset: int, whence: int = 0) -> int:
            return super().seek(offset, whence) + (1 << 40 if whence == 2 else 0)

    with pytest.raises(rushes.CorruptMedia):
        rushes.open(Longer(data))
    with pytest.raises(rushes.Error):
        rushes.open(data[:100])


def test_threads_share_what_reads(clips: Clips) -> None:
    source = Reading(clips["plain.mp4"].read_bytes(), most=5000)
    videos = [rushes.open(source) for _ in range(4)]
    wanted = rushes.open(clips["plain.mp4"])[:]
    found: list[bool] = []

    def work(video: rushes.Video, step: int) -> None:
        found.extend(bool((video[i] == wanted[i]).all()) for i in range(0, 150, step))

    threads = [threading.Thread(target=work, args=(v, 7 + n)) for n, v in enumerate(videos)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECS)
    assert len(found) == sum(len(range(0, 150, 7 + n)) for n in range(4)) and all(found)


def test_pickled_and_forked(clips: Clips) -> None:
    data = clips["plain.mp4"].read_bytes()
    for source in (data, io.BytesIO(data), bytearray(data)):
        video = rushes.open(source, format="gray")
        assert (pickle.loads(pickle.dumps(video))[9] == video[9]).all()
    program = """
import io, os, sys, rushes
sys.path.insert(0, sys.argv[2])
from test_source import Reading
data = open(sys.argv[1], "rb").read()
for source, works in ((data, True), (open(sys.argv[1], "rb"), True), (Reading(data), False)):
    video = rushes.open(source)
    wanted = video[100]
    child = os.fork()
    if child == 0:
        try:
            found = (video[100] == wanted).all()
            os._exit(0 if works and found else 1)
        except rushes.Unavailable as error:
            os._exit(1 if works or "fork" not in error.why else 0)
    assert os.waitpid(child, 0)[1] == 0, works
    assert (video[3] == rushes.open(data)[3]).all()
"""
    line = [sys.executable, "-c", program, str(clips["plain.mp4"]), str(Path(__file__).parent)]
    subprocess.run(line, check=True, timeout=PATIENCE_SECS)


class Server(http.server.ThreadingHTTPServer):
    """Files of a folder on loopback, in parts; it notes what is asked for."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.asked, self.mark = folder, list[tuple[str, str | None]](), "one"
        self.sent = 0
        self.moved: dict[str, str] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        if moved := self.server.moved.get(self.path):
            self.send_response(302)
            self.send_header("Location", moved)
            self.end_headers()
            return
        path = self.server.folder / unquote(self.path).lstrip("/").removeprefix("whole/")
        if not path.is_file():
            self.send_error(404)
            return
        data = path.read_bytes()
        if self.path.startswith("/whole/"):
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            return
        match = re.fullmatch(r"bytes=(\d+)-", wanted or "")
        assert match is not None
        start = int(match[1])
        if start >= len(data):
            self.send_error(416)
            return
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("ETag", self.server.mark)
        self.end_headers()
        try:
            for at in range(start, len(data), 1 << 14):
                self.wfile.write(data[at : at + (1 << 14)])
                self.server.sent += 1 << 14
        except OSError:
            self.close_connection = True

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in (
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)
    with Server(tmp_path) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(PATIENCE_SECS)


def test_an_address_is_read_where_it_is_allowed(server: Server, clips: Clips, media: Path) -> None:
    (server.folder / "a clip.mp4").write_bytes(clips["plain.mp4"].read_bytes())
    (server.folder / "moon.jpg").write_bytes((media / "Coast" / "moonrise.jpg").read_bytes())
    (server.folder / "sweep.flac").write_bytes((media / "Studio" / "sweep.flac").read_bytes())
    address = f"{server.address}/a%20clip.mp4"
    for refused in (address, address.replace("http", "https", 1), address.upper()):
        with pytest.raises(rushes.Denied, match=r"not allowed.*allow=\("):
            rushes.open(refused)
    assert server.asked == []
    with (
        rushes.open(address, allow=("http", "https")) as video,
        rushes.open(clips["plain.mp4"]) as own,
    ):
        assert (video[::20] == own[::20]).all() and video.path == address
        assert (pickle.loads(pickle.dumps(video))[3] == own[3]).all()
    moon = rushes.imread(f"{server.address}/moon.jpg", allow="http")
    assert (moon == rushes.imread(media / "Coast" / "moonrise.jpg")).all()
    samples, _ = rushes.aread(f"{server.address}/sweep.flac", allow=["HTTP"])
    assert (samples == rushes.aread(media / "Studio" / "sweep.flac")[0]).all()
    with pytest.raises(rushes.Invalid, match="'ftp'"):
        rushes.open(address, allow=["ftp"])
    for other in ("rtsp://127.0.0.1/live", "concat://a", "data://x", "ftp://127.0.0.1/a.mp4"):
        with pytest.raises(rushes.Unsupported, match="addresses are not read"):
            rushes.open(other, allow=("http", "https", "file"))


def test_only_what_is_wanted_is_fetched(server: Server, clips: Clips) -> None:
    # Its index stands behind 40 MiB that nobody wants.
    data = clips["plain.mp4"].read_bytes()
    at = 0
    while data[at + 4 : at + 8] != b"moov":
        at += int.from_bytes(data[at : at + 4], "big")
    size = 40 << 20
    unused = size.to_bytes(4, "big") + b"free" + bytes(size - 8)
    (server.folder / "far.mp4").write_bytes(data[:at] + unused + data[at:])
    with rushes.open(f"{server.address}/far.mp4", allow="http") as video:
        assert (video[149] == rushes.open(data)[149]).all()
    # What was on its way already counts too.
    assert server.sent < 20 << 20


def test_what_a_server_may_do_wrong(server: Server, clips: Clips, media: Path) -> None:
    (server.folder / "clip.mp4").write_bytes(clips["plain.mp4"].read_bytes())
    (server.folder / "empty.mp4").write_bytes(b"")

    def read(path: str, allow: Any = "http") -> Any:
        return rushes.open(server.address + path, allow=allow)

    with pytest.raises(rushes.NotFound, match="404"):
        read("/none.mp4?password=1")
    with pytest.raises(rushes.Unsupported, match="only whole"):
        read("/whole/clip.mp4")
    with pytest.raises(rushes.CorruptMedia, match="empty"):
        read("/empty.mp4")
    server.moved = {"/on": "/clip.mp4", "/round": "/round", "/file": "file:///etc/hostname"}
    server.moved["/tls"] = "https://127.0.0.1:1/clip.mp4"
    assert len(read("/on")) == 150
    for path in ("/round", "/file", "/tls"):
        with pytest.raises((rushes.Denied, rushes.Unavailable)):
            read(path)
    with pytest.raises(rushes.Denied, match="sends us on by https"):
        read("/tls")
    (server.folder / "long.mp4").write_bytes(
        (media / "Coast" / "a-day-on-the-coast.mp4").read_bytes()
    )
    video = read("/long.mp4")
    server.mark = "two"
    with pytest.raises(rushes.Unavailable, match="changed while"):
        video[-1], video[0]
    port = server.server_address[1]
    rushes.open(f"http://me:se%20cret@127.0.0.1:{port}/clip.mp4", allow="http")
    assert server.asked[-1][1] == "Basic bWU6c2UgY3JldA=="
    with pytest.raises(rushes.NotFound) as caught:
        rushes.open(f"http://me:secret@127.0.0.1:{port}/none.mp4?key=1", allow="http")
    assert "secret" not in str(caught.value) and "key" not in str(caught.value)
    with pytest.raises(rushes.Unavailable):
        rushes.open("http://127.0.0.1:1/clip.mp4", allow="http")


def test_a_playlist_reaches_nothing(server: Server, tmp_path: Path) -> None:
    (server.folder / "part.ts").write_bytes(bytes(188 * 100))
    part = f"{server.address}/part.ts"
    playlists = {
        "list.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{part}\n#EXT-X-ENDLIST\n",
        "list.ffconcat": f"ffconcat version 1.0\nfile '{part}'\n",
        "list.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 33\n",
        "list.mpd": f'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{part}</BaseURL></MPD>',
    }
    for name, text in playlists.items():
        (server.folder / name).write_text(text)
        for source in (text.encode(), io.BytesIO(text.encode()), f"{server.address}/{name}"):
            with pytest.raises(rushes.Error):
                rushes.open(source, allow=("http", "https"))
    assert {path for path, _ in server.asked} == {f"/{name}" for name in playlists}


def test_an_address_of_a_file(clips: Clips, tmp_path: Path) -> None:
    path = tmp_path / "ein Büchlein #1.mp4"
    path.write_bytes(clips["plain.mp4"].read_bytes())
    for address in (path.as_uri(), path.as_uri().replace("file://", "file://localhost")):
        with rushes.open(address) as video:
            assert video.path == str(path) and len(video) == 150
    with pytest.raises(rushes.Invalid, match="another machine"):
        rushes.open("file://elsewhere/clip.mp4")
    with pytest.raises(rushes.NotFound):
        rushes.open((tmp_path / "none.mp4").as_uri())
    assert json.dumps(video.path)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path, clips: Clips) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with rushes.open(clips["plain.mp4"], size=(24, 12)) as video:
        numbered = tmp_path / "stills"
        numbered.mkdir()
        for number in (1, 2):
            rushes.imwrite(numbered / f"{number}.png", video[number])
    os.mkfifo(numbered / "3.png")
    program = """
import sys, rushes
pipe, stills = sys.argv[1:]
for read in (
    rushes.open, rushes.imread, rushes.aread, rushes.Stream, rushes.Library().probe,
    lambda path: rushes.imwrite(path + ".jpg", rushes.imread(stills + "/1.png"), tags_from=path),
    lambda path: rushes.Library().convert(path, path + ".mp4"),
    lambda path: rushes.Library().mosaic(path, path, output=path + ".mp4"),
    lambda path: list(rushes.open(stills + "/%d.png")),
    lambda path: rushes.Library().convert(stills + "/%d.png", path + ".mp4"),
    lambda path: rushes.open("/dev/zero"),
):
    try:
        read(pipe)
    except (rushes.Invalid, rushes.Unsupported) as error:
        assert "regular file" in str(error), error
    else:
        raise SystemExit(f"{read} took it")
print("refused")
"""
    environment = {**os.environ, "RUSHES_HOME": str(tmp_path / "home")}
    line = [sys.executable, "-c", program, str(pipe), str(numbered)]
    done = subprocess.run(
        line, env=environment, stdout=subprocess.PIPE, timeout=PATIENCE_SECS, check=True
    )
    assert done.stdout == b"refused\n"


def test_paths_that_are_none(tmp_path: Path) -> None:
    one = numpy.zeros((4, 4), "uint8")
    calls: list[Callable[[Any], object]] = [
        rushes.open, rushes.imread, rushes.aread, rushes.Stream,
        lambda path: rushes.imwrite(path, one), lambda path: rushes.write(path, [one], fps=1),
        lambda path: rushes.awrite(path, one[0] / 1.0, 8000),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(rushes.NotFound, match="the path is empty"):
            call("")
        for path in ("a\0b.mp4", tmp_path / "a\0b.mp4"):
            with pytest.raises(rushes.Invalid, match="NUL"):
                call(path)


def test_one_scheme_may_be_allowed_as_a_word() -> None:
    with pytest.raises(rushes.Invalid, match="allow has 'htp'"):
        rushes.open("http://127.0.0.1/a.mp4", allow="htp")
    with pytest.raises(rushes.Denied):
        rushes.open("http://127.0.0.1/a.mp4", allow="https")

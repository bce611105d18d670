# Written by stubs.py: do not edit.

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, ClassVar, Literal, SupportsFloat, SupportsIndex, overload

import numpy
from numpy.typing import ArrayLike, NDArray

from . import ops as ops
from . import plot as plot
from ._source import Media, Writable

__all__ = [
    "Bug", "Camera", "Conflict", "CorruptMedia", "Denied", "Error", "Invalid", "Library",
    "LimitExceeded", "MediaIndexer", "NotEnoughMemory", "NotFound", "Planes", "Record", "Shown",
    "Stream", "Tile", "Unavailable", "Unsupported", "Video", "VideoWriter", "__version__", "aread",
    "awrite", "camera", "cameras", "fraction", "imread", "imwrite", "mosaic", "open", "show",
    "write",
]

__version__: str
memory_budget_bytes: int

def aread(
    path: Media,
    *,
    rate: int | None = None,
    channels: int | None = None,
    allow: Iterable[str] = (),
) -> tuple[NDArray[numpy.float32], int]:
    """Reads all of a sound: its samples as a NumPy array [N, C], and how many there are a
    second."""

def awrite(
    path: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    samples: ArrayLike,
    rate: int,
    *,
    codec: str | None = None,
    bit_rate: int | None = None,
    overwrite: bool = True,
) -> None:
    """Writes samples as a sound file, of the kind that its extension names."""

def camera(
    which: int | str | os.PathLike[str] = 0,
    *,
    size: tuple[int, int] | None = None,
    fps: SupportsFloat | str | None = None,
    format: Literal["rgb24", "bgr24", "rgba", "gray"] = "rgb24",
) -> Camera:
    """Opens a camera of this machine, by Video4Linux2, which Linux has."""

def cameras() -> list[Record]:
    """The cameras of this machine, in the order of their devices."""

def fraction(value: str | None) -> Fraction | None:
    """An exact number from a record: `"30000/1001"` becomes `Fraction(30000, 1001)`."""

def imread(
    path: Media,
    *,
    upright: bool = True,
    fit_px: int | None = None,
    allow: Iterable[str] = (),
) -> NDArray[Any]:
    """Reads a still as a NumPy array: [H, W] for grey, else [H, W, 3] RGB or [H, W, 4] RGBA."""

def imwrite(
    path: str | bytes | os.PathLike[str] | os.PathLike[bytes] | Writable,
    array: ArrayLike,
    *,
    format: str | None = None,
    quality: int | None = None,
    overwrite: bool = True,
    tags_from: str | bytes | os.PathLike[str] | os.PathLike[bytes] | None = None,
) -> None:
    """Writes a NumPy array as a still, in the format that the file's extension names."""

def mosaic(
    tiles: Iterable[Any],
    *,
    layout: Literal["grid", "row", "column"] = "grid",
    columns: int | None = None,
    lead: int = 0,
    fps: SupportsFloat | str | None = None,
    most_side_px: int = 3840,
    border_px: int = 0,
    spacing_px: int = 0,
    background: str | tuple[float, float, float] = "#000000",
) -> Stream:
    """Streams side by side in one stream of RGB frames [H, W, 3], at a constant rate."""

@overload
def open(
    path: Media,
    mode: Literal["r"] = "r",
    *,
    format: Literal["rgb24", "bgr24", "rgba", "gray"] = "rgb24",
    size: tuple[int, int] | None = None,
    dtype: Any = None,
    upright: bool = True,
    square_pixels: bool = False,
    threads: int = 0,
    fps: SupportsFloat | str | None = None,
    allow: Iterable[str] = (),
) -> Video: ...
@overload
def open(
    path: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    mode: Literal["w"],
    *,
    fps: SupportsFloat | str | None = None,
    codec: str | None = None,
    quality: int | None = None,
    plays: int = 0,
    start_number: int = 1,
    overwrite: bool = True,
) -> VideoWriter: ...

def show(
    thing: Any,
    rate: int | None = None,
    *,
    start: SupportsFloat | str = 0,
    seconds: SupportsFloat | str | None = None,
) -> Shown:
    """Shows a picture, a clip or sound in a notebook."""

def write(
    path: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    frames: NDArray[Any] | Iterable[ArrayLike],
    *,
    fps: SupportsFloat | str | None = None,
    codec: str | None = None,
    quality: int | None = None,
    plays: int = 0,
    start_number: int = 1,
    overwrite: bool = True,
) -> int:
    """Writes frames as a video or as numbered stills, and gives how many there were."""

class Camera:
    """An open camera: frames one after another, each a NumPy array, as `rushes.camera` gives it."""

    def __init__(
        self,
        which: int | str | os.PathLike[str] = 0,
        *,
        size: tuple[int, int] | None = None,
        fps: SupportsFloat | str | None = None,
        format: Literal["rgb24", "bgr24", "rgba", "gray"] = "rgb24",
    ) -> None: ...

    @property
    def name(self) -> str:
        """What it calls itself."""

    @property
    def path(self) -> str:
        """Its device, such as /dev/video0."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of its frames in pixels."""

    @property
    def fps(self) -> Fraction | None:
        """Frames a second that the camera says it was set to; None where it says nothing."""

    @property
    def time(self) -> Fraction | None:
        """When the last frame was captured, in exact seconds from the first on; None before it."""

    @property
    def dropped(self) -> int:
        """Frames that were not given: not taken in time, lost by the driver, or broken."""

    def read(self) -> NDArray[Any]:
        """The next frame; waits for it."""

    def latest(self) -> NDArray[Any] | None:
        """The newest frame, where there is one that was not given yet, else None; does not wait."""

    def close(self) -> None:
        """Lets go of the camera, for good; who waits for a frame is told."""

    def __iter__(self) -> Iterator[NDArray[Any]]: ...

    def __enter__(self) -> Camera: ...

    def __exit__(self, *raised: object) -> None: ...

class Library:
    """A catalogue of media, and everything that can be done with it and with media files."""

    def __init__(self, home: str | os.PathLike[str] | None = None) -> None: ...

    @property
    def home(self) -> str:
        """The home folder."""

    def close(self) -> None:
        """Closes the catalogue and ends the worker processes. The next call opens them again."""

    def __enter__(self) -> Library: ...

    def __exit__(self, *exception: object) -> None: ...

    def scan(
        self,
        *roots: str | os.PathLike[str],
        shallow: bool = False,
        workers: int | None = None,
        full: bool = False,
        hash_rate_mb_per_sec: int | None = None,
        retry_failed: bool = False,
        dry_run: bool = False,
        progress: Callable[[int, int | None, str, str | None], object] | None = None,
    ) -> Record:
        """Find media under the roots, probe and record it. The command: `rushes scan`."""

    def probe(self, *files: str | os.PathLike[str]) -> Record:
        """Tell what is in a file, without any catalogue. The command: `rushes probe`."""

    def convert(
        self,
        input: str | os.PathLike[str],
        output: str | os.PathLike[str],
        *,
        filters: Sequence[str] = (),
        codec: str | None = None,
        quality: int | None = None,
        fps: str | None = None,
        from_time: str | None = None,
        to_time: str | None = None,
        deinterlace: Literal["frames", "fields"] | None = None,
        field_order: Literal["top", "bottom"] | None = None,
        sound_codec: str | None = None,
        sound_bit_rate: int | None = None,
        no_sound: bool = False,
        plays: int = 0,
        start_number: int = 1,
        overwrite: bool = False,
        dry_run: bool = False,
        progress: Callable[[int, int | None, str, str | None], object] | None = None,
    ) -> Record:
        """Write a file as another kind, or changed on the way. The command: `rushes convert`."""

    def mosaic(
        self,
        *tiles: str | os.PathLike[str] | Record,
        output: str | os.PathLike[str],
        layout: Literal["grid", "row", "column"] = "grid",
        columns: int | None = None,
        lead: int = 1,
        rate_hz: str | None = None,
        most_side_px: int = 3840,
        border_px: int = 0,
        spacing_px: int = 0,
        background: str = "#000000",
        sound: str | None = None,
        codec: str | None = None,
        quality: int | None = None,
        plays: int = 0,
        start_number: int = 1,
        overwrite: bool = False,
        dry_run: bool = False,
        progress: Callable[[int, int | None, str, str | None], object] | None = None,
    ) -> Record:
        """Lay videos and pictures out side by side in one file. The command: `rushes mosaic`."""

    def search(
        self,
        query: str = "",
        *,
        limit: int = 60,
        cursor: str | None = None,
        offset: int | None = None,
        exact_total: bool = False,
    ) -> Record:
        """Find assets by words and filters. The command: `rushes search`."""

    def recent(self, *, limit: int = 20, cursor: str | None = None) -> Record:
        """List the assets that came last. The command: `rushes recent`."""

    def show(self, id: str) -> Record:
        """Show one asset with all its places and facts. The command: `rushes show`."""

    def stats(self) -> Record:
        """Add up the catalogue by kind, codec, batch and root. The command: `rushes stats`."""

    def batches_list(self) -> Record:
        """List the batches: the folders that assets are in. The command: `rushes batches list`."""

    def batches_show(self, name: str, *, limit: int = 60, cursor: str | None = None) -> Record:
        """List the assets of a batch. The command: `rushes batches show`."""

    def backup(
        self,
        query: str = "",
        *,
        to: list[str],
        template: str = "{batch}/{name}",
        new_volume: bool = False,
        dry_run: bool = False,
        progress: Callable[[int, int | None, str, str | None], object] | None = None,
    ) -> Record:
        """Copy assets to other disks and read every copy back. The command: `rushes backup`."""

    def verify(
        self,
        dir: str | os.PathLike[str] | None = None,
        *,
        share: int | None = None,
        dry_run: bool = False,
        progress: Callable[[int, int | None, str, str | None], object] | None = None,
    ) -> Record:
        """Read copies back and compare them with their hashes. The command: `rushes verify`."""

    def copies(self, id: str) -> Record:
        """Tell where every copy of an asset is and when it was last read back. The command: `rushes
        copies`."""

    def destinations_list(self) -> Record:
        """List where copies were made, and when they were last read back. The command: `rushes
        destinations list`."""

    def destinations_forget(self, id: int, *, dry_run: bool = False) -> Record:
        """Forget the copies in one destination; no file is touched. The command: `rushes
        destinations forget`."""

    def workflow(
        self,
        workflow: list[Record],
        *,
        dry_run: bool = False,
        progress: Callable[[int, int | None, str, str | None], object] | None = None,
    ) -> Any:
        """Do several verbs one after the other, as a file of JSON says. The command: `rushes
        workflow`."""

    def schema(self) -> Any:
        """Print the JSON Schema of workflow files, for editors. The command: `rushes schema`."""

    def paths_list(self) -> Record:
        """List the registered roots. The command: `rushes paths list`."""

    def paths_add(
        self,
        path: str | os.PathLike[str],
        *,
        name: str | None = None,
        new_volume: bool = False,
        dry_run: bool = False,
    ) -> Record:
        """Register a folder as a root. The command: `rushes paths add`."""

    def paths_remove(self, name: str | os.PathLike[str], *, dry_run: bool = False) -> Record:
        """Forget a root; no file is touched. The command: `rushes paths remove`."""

    def jobs_list(
        self,
        *,
        state: Literal["queued", "running", "done", "failed", "cancelled"] | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Record:
        """List jobs, newest first. The command: `rushes jobs list`."""

    def jobs_show(self, id: int) -> Record:
        """Show one job with its plan and what it did. The command: `rushes jobs show`."""

    def jobs_cancel(self, id: int, *, dry_run: bool = False) -> Record:
        """Ask a job to stop; what it did stays. The command: `rushes jobs cancel`."""

    def jobs_retry(self, id: int, *, dry_run: bool = False) -> Record:
        """Queue a failed or cancelled job again. The command: `rushes jobs retry`."""

    def hash(
        self,
        *,
        workers: int | None = None,
        rate_mb_per_sec: int | None = None,
        dry_run: bool = False,
        progress: Callable[[int, int | None, str, str | None], object] | None = None,
    ) -> Record:
        """Read every byte of what has no full hash yet. The command: `rushes hash`."""

    def previews(
        self,
        *,
        workers: int | None = None,
        verify: bool = False,
        dry_run: bool = False,
        progress: Callable[[int, int | None, str, str | None], object] | None = None,
    ) -> Record:
        """Make posters, strips and waveforms that are missing. The command: `rushes previews`."""

    def check(
        self,
        *,
        read_data_percent: int = 0,
        progress: Callable[[int, int | None, str, str | None], object] | None = None,
    ) -> Record:
        """Prove the invariants against the database and the disk. The command: `rushes check`."""

    def doctor(self) -> Record:
        """Tell versions, what protects workers, what is missing. The command: `rushes doctor`."""

class MediaIndexer:
    """The prototype's methods and shapes over a `Library`; new programs use that directly."""
    library: Library

    def __init__(
        self,
        *,
        root_path: str | os.PathLike[str] | None = None,
        home: str | os.PathLike[str] | None = None,
    ) -> None: ...

    def scan(
        self,
        root_path: str | os.PathLike[str] | None = None,
        workers: int | None = None,
    ) -> dict[str, int]:
        """Indexes a folder: `root_path`, else the one from the constructor, else all that are
        known."""

    def get_recent(self, limit: int = 20) -> list[dict[str, Any]]:
        """The rows that came last, newest first, at most `limit` (1 to 1000)."""

    def get_by_batch(self, batch_name: str) -> list[dict[str, Any]]:
        """All rows of this batch, which is the folder that the files are in."""

    def get_all(self) -> list[dict[str, Any]]:
        """All rows."""

    def get_stats(self) -> dict[str, Any]:
        """`total_files`, `total_size_bytes`, `by_mime` (`mime`, `count`, `size` in bytes) and
        `by_batch` (`batch`, `count`)."""

    def index_media(
        self,
        *,
        scan_workers: int | None = None,
        sync_album: str | None = None,
        sync_category: str = "edit",
    ) -> dict[str, Any]:
        """Scans, and gives what `scan` gives with what `get_stats` gives as `db`."""

    def sync_photos_album(self, album_name: str, category: str = "edit") -> dict[str, Any]:
        """Not there yet: raises `rushes.Unsupported`."""

    def backup(self, backup_root: str | os.PathLike[str]) -> dict[str, Any]:
        """Copies everything to `<backup_root>/<batch or _UNSORTED>/<name>` and reads every copy
        back."""

class Shown:
    """What `show` gives: a notebook shows it, and anything else its words."""
    png: bytes | None
    html: str | None

    def __init__(self, words: str, *, png: bytes | None = None, html: str | None = None) -> None: ...

class Stream:
    """Frames one after another, changed on their way; nothing is read before they are asked for."""

    def __init__(self, source: Any, *, fps: SupportsFloat | str | None = None) -> None: ...

    def map(self, function: Callable[[NDArray[Any]], Any]) -> Stream:
        """Every frame sent through a function, which gives an array; called on another thread."""

    def at_rate(self, fps: SupportsFloat | str) -> Stream:
        """At so many frames a second: for k = 0, 1, 2... the frame shown at k/fps seconds."""

    def deinterlace(
        self,
        *,
        first: Literal["top", "bottom"] = "top",
        both: bool = True,
        filter: Literal["complex", "simple"] = "complex",
    ) -> Stream:
        """Frames that hold two fields each as whole frames: one for each field, at twice the
        rate."""

    def timed(self) -> Iterator[tuple[Fraction | None, NDArray[Any]]]:
        """Each frame with the time at which it is shown, in exact seconds; None where it has
        none."""

    def __iter__(self) -> Iterator[NDArray[Any]]: ...

    @property
    def fps(self) -> Fraction | None:
        """Frames a second, on average; None for a picture."""

    @property
    def duration(self) -> Fraction | None:
        """When the last frame is over, in exact seconds; None where that is not known."""

    def write(
        self,
        path: str | bytes | os.PathLike[str] | os.PathLike[bytes],
        *,
        fps: SupportsFloat | str | None = None,
        codec: str | None = None,
        quality: int | None = None,
        plays: int = 0,
        start_number: int = 1,
        overwrite: bool = True,
    ) -> int:
        """Writes it as a video, or as numbered stills, as `rushes.write` does, and gives how many
        frames there were."""

    def affine(
        self,
        *,
        border: list[float] = [0.0, 0.0, 0.0, 1.0],
        height_px: int | None = None,
        interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos4"] = "bilinear",
        matrix: list[list[float]] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
        width_px: int | None = None,
    ) -> Stream:
        """Turns, scales, shears and shifts by a matrix."""

    def box_blur(self, *, radius_px: int = 1) -> Stream:
        """Blurs by the mean of a square."""

    def brightness(self, *, amount: float = 0.0) -> Stream:
        """Adds the same to every colour."""

    def clahe(
        self,
        *,
        clip_limit: float = 2.0,
        tile_columns: int = 8,
        tile_rows: int = 8,
    ) -> Stream:
        """Spreads brightness tile by tile, contrast limited."""

    def colormap(
        self,
        *,
        high: float = 1.0,
        low: float = 0.0,
        map: Literal["viridis", "magma", "inferno", "plasma", "cividis", "turbo", "twilight", "twilight_shifted", "jet", "hot", "bone", "cool", "rainbow", "hsv", "ocean", "pink", "autumn", "spring", "summer", "winter", "parula", "deepgreen"] = "viridis",
        reversed: bool = False,
    ) -> Stream:
        """Shows brightness as colour."""

    def contrast(self, *, factor: float = 1.0, pivot: float = 0.5) -> Stream:
        """Moves colours away from a pivot or towards it."""

    def crop(
        self,
        *,
        bottom_px: int = 0,
        left_px: int = 0,
        right_px: int = 0,
        top_px: int = 0,
    ) -> Stream:
        """Cuts pixels off the sides."""

    def denoise(
        self,
        *,
        patch_radius_px: int = 3,
        search_radius_px: int = 10,
        strength: float = 0.04,
    ) -> Stream:
        """Takes out noise by the mean of like places."""

    def flip(self, *, axis: Literal["horizontal", "vertical"] = "horizontal") -> Stream:
        """Mirrors left and right or top and bottom."""

    def gamma(self, *, gamma: float = 1.0) -> Stream:
        """Brightens or darkens the middle."""

    def gaussian_blur(self, *, sigma_px: float = 1.0) -> Stream:
        """Blurs by a gaussian."""

    def grayscale(self, *, weights: list[float] = [0.2126, 0.7152, 0.0722]) -> Stream:
        """Makes one channel out of three."""

    def lut(
        self,
        *,
        cube: str | os.PathLike[str],
        mixing: Literal["tetrahedral", "trilinear"] = "tetrahedral",
    ) -> Stream:
        """Looks colours up in a .cube table."""

    def median(self, *, radius_px: int = 1) -> Stream:
        """Takes out specks by the median of a square."""

    def pad(
        self,
        *,
        bottom_px: int = 0,
        color: list[float] = [0.0, 0.0, 0.0, 1.0],
        left_px: int = 0,
        mode: Literal["constant", "edge", "reflect", "symmetric"] = "constant",
        right_px: int = 0,
        top_px: int = 0,
    ) -> Stream:
        """Adds pixels at the sides."""

    def resize(
        self,
        *,
        filter: Literal["area", "nearest", "bilinear", "bicubic", "lanczos3"] = "area",
        height_px: int | None = None,
        scale: float | None = None,
        width_px: int | None = None,
    ) -> Stream:
        """Scales to a size in pixels or by a factor."""

    def rotate(self, *, quarter_turns: int = 0) -> Stream:
        """Turns by quarters, counter-clockwise."""

    def sharpen(
        self,
        *,
        amount: float = 1.0,
        sigma_px: float = 1.0,
        threshold: float = 0.0,
    ) -> Stream:
        """Sharpens by an unsharp mask."""

    def text(
        self,
        *,
        anchor: Literal["top_left", "top", "top_right", "left", "center", "right", "bottom_left", "bottom", "bottom_right"] = "top_left",
        background: list[float] | None = None,
        color: list[float] = [1.0, 1.0, 1.0, 1.0],
        margin_px: float = 0.0,
        outline_color: list[float] = [0.0, 0.0, 0.0, 1.0],
        outline_px: float = 0.0,
        padding_px: float = 0.0,
        shadow_color: list[float] = [0.0, 0.0, 0.0, 1.0],
        shadow_px: list[float] | None = None,
        size_px: float = 24.0,
        text: str,
        x_px: float = 0.0,
        y_px: float = 0.0,
    ) -> Stream:
        """Writes text into the picture."""

    def blend(
        self,
        layer: Any,
        *,
        mode: Literal["normal", "multiply", "screen", "overlay", "darken", "lighten", "color_dodge", "color_burn", "hard_light", "soft_light", "difference", "exclusion", "add", "subtract", "grain_extract", "grain_merge"] = "normal",
        opacity: float = 1.0,
    ) -> Stream:
        """Lays another frame over this one."""

    def flat_field(self, flat: Any, *, dark: float = 0.0, sigma_px: float = 0.0) -> Stream:
        """Evens out light by a frame of nothing but it."""

class Tile:
    """A stream in a mosaic, and how it stands in it."""

    def __init__(
        self,
        source: Any,
        *,
        offset: SupportsFloat | str = 0,
        speed: SupportsFloat | str = 1,
        label: str | None = None,
    ) -> None: ...

class Video:
    """The frames of a video, or of pictures in a row: like a list of them, each a NumPy array."""

    def __init__(
        self,
        path: Media,
        *,
        format: Literal["rgb24", "bgr24", "rgba", "gray"] = "rgb24",
        size: tuple[int, int] | None = None,
        dtype: Any = None,
        upright: bool = True,
        square_pixels: bool = False,
        threads: int = 0,
        fps: SupportsFloat | str | None = None,
        allow: Iterable[str] = (),
    ) -> None: ...

    def __len__(self) -> int: ...

    def __getitem__(
        self,
        index: SupportsIndex | slice | Iterable[SupportsIndex] | NDArray[Any],
    ) -> NDArray[Any]: ...

    def __iter__(self) -> Iterator[NDArray[Any]]: ...

    def at(self, time: SupportsFloat | str) -> NDArray[Any]:
        """The frame shown at a time: seconds as a number or a Fraction, or "h:mm:ss.fff"."""

    def index_at(self, time: SupportsFloat | str) -> int:
        """The number of the frame shown at a time; takes what `at` takes."""

    def frames(
        self,
        indices: slice | Iterable[SupportsIndex] | NDArray[Any] | None = None,
        *,
        format: Literal["rgb24", "bgr24", "rgba", "gray"] | None = None,
        size: tuple[int, int] | None = None,
        dtype: Any = None,
        square_pixels: bool | None = None,
        fps: SupportsFloat | str | None = None,
        device: Any = None,
    ) -> Iterator[NDArray[Any]]:
        """Frames one after another, each an array of its own; memory stays flat."""

    def planes(self, index: SupportsIndex) -> Planes:
        """A frame as it is stored: its Y, U and V, or R, G and B, each an array of its own."""

    def close(self) -> None:
        """Lets go of the file and the decoder; after it, taking a frame raises `Invalid`."""

    def __enter__(self) -> Video: ...

    def __exit__(self, *exception: object) -> None: ...

    @property
    def path(self) -> str:
        """The file, folder or pattern, absolute; or the address."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(T, H, W, C): frames, height and width in pixels, channels; (T, H, W) for "gray"."""

    @property
    def dtype(self) -> numpy.dtype[Any]:
        """What numbers the arrays have: uint8, uint16 or float32."""

    @property
    def format(self) -> str:
        """What the numbers of a pixel are: "rgb24", "bgr24", "rgba" or "gray"."""

    @property
    def fps(self) -> Fraction:
        """Frames a second, on average: exact for a constant rate; 0 where no frame lasts."""

    @property
    def times(self) -> Sequence[Fraction]:
        """When each frame is shown, in exact seconds from the start of the file."""

    @property
    def duration(self) -> Fraction:
        """When the last frame is over, in exact seconds from the start of the file."""

    @property
    def recorded(self) -> Sequence[Fraction] | None:
        """When each frame was recorded, in exact seconds since 1970-01-01 (UTC)."""

    @property
    def keyframes(self) -> NDArray[numpy.int64]:
        """The numbers of the frames that the file marks as key frames, rising: int64 [K]."""

    @property
    def rotation(self) -> int:
        """The turn in degrees clockwise, 0 to 270, that the file says sets frames upright."""

    @property
    def mirrored(self) -> bool:
        """Whether the file says that frames are mirrored left to right, after the turn."""

    @property
    def sample_aspect(self) -> Fraction:
        """Width of a stored pixel over its height; 1 when the file states none."""

    @property
    def warnings(self) -> list[str]:
        """Where the file's header and its content do not agree, in plain words."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]: ...

class VideoWriter:
    """A video that is being written, frame by frame; memory stays flat."""

    def __init__(
        self,
        path: str | bytes | os.PathLike[str] | os.PathLike[bytes],
        *,
        fps: SupportsFloat | str | None = None,
        codec: str | None = None,
        quality: int | None = None,
        plays: int = 0,
        start_number: int = 1,
        overwrite: bool = True,
    ) -> None: ...

    def write(self, frame: ArrayLike) -> None:
        """Writes the next frame: [H, W] grey, [H, W, 3] RGB or [H, W, 4] RGBA."""

    def close(self) -> None:
        """Writes what is left and gives the file its name; after it, `write` raises `Invalid`."""

    def __enter__(self) -> VideoWriter: ...

    def __exit__(self, kind: object, *exception: object) -> None: ...

    @property
    def path(self) -> str:
        """The file, or the pattern of stills, absolute."""

    @property
    def frames(self) -> int:
        """How many frames were written."""

class Record(dict[str, Any]):
    """A dict whose keys can be read as attributes: `asset.name` is `asset["name"]`."""

    def __getattr__(self, name: str) -> Any: ...

    def __dir__(self) -> Iterable[str]: ...

class Error(Exception):
    """A failure: what was being done, why it failed, what to do, and the file it is about."""
    kind: ClassVar[str]
    what: str
    why: str
    remedy: str | None
    path: str | None

    def __init__(
        self,
        what: str,
        why: str,
        remedy: str | None = None,
        path: str | None = None,
    ) -> None: ...

class CorruptMedia(Error):
    """The bytes contradict themselves or end too early. Exit code 5, HTTP 422."""

class Unsupported(Error):
    """Well formed, but nothing here can read or do it. Exit code 4, HTTP 415."""

class Bug(Error, RuntimeError):
    """A mistake in Rushes. Exit code 10, HTTP 500."""

class Invalid(Error, ValueError):
    """The request itself makes no sense. The command's exit code 2, HTTP 400."""

class LimitExceeded(Error, MemoryError):
    """A limit on size, memory or time was reached. Exit code 6, HTTP 413."""

class Unavailable(Error, OSError):
    """Cannot be had now, or was cancelled; may work later. Exit code 8, HTTP 503."""

class Conflict(Error, FileExistsError):
    """It contradicts what is there already. Exit code 9, HTTP 409."""

class Denied(Error, PermissionError):
    """Not permitted, by the system or by Rushes. Exit code 7, HTTP 403."""

class NotEnoughMemory(LimitExceeded):
    """What was asked for at once is over `rushes.memory_budget_bytes`."""

class NotFound(Error, FileNotFoundError):
    """The thing named does not exist. Exit code 3, HTTP 404."""

class Planes(Mapping[str, NDArray[Any]]):
    """A frame as it is stored: one array [H, W] for each component, nothing converted."""
    bit_depths: dict[str, int]
    chroma_location: str | None
    format: str
    matrix: str | None
    mirrored: bool
    primaries: str | None
    range: str | None
    rotation: int
    subsampling: tuple[int, int]
    transfer: str | None

    def __init__(self, described: tuple[Any, ...], rotation: int, mirrored: bool) -> None: ...

    def __getitem__(self, name: str) -> NDArray[Any]: ...

    def __getattr__(self, name: str) -> NDArray[Any]: ...

    def __iter__(self) -> Iterator[str]: ...

    def __len__(self) -> int: ...

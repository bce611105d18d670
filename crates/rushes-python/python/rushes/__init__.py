"""Rushes: index, search and probe any folder of media; read and write video, stills and sound.

    import rushes

    library = rushes.Library()
    library.scan("/media/card")
    for asset in library.search("kind:video duration:>10")["items"]:
        print(asset.name, asset.codec, rushes.fraction(asset.frame_rate_hz))

    with rushes.open("clip.mp4") as video:
        print(video.shape, video[100].mean(), video.at("0:02.5").dtype)

`Library` has every verb of the `rushes` command as a method and works on the same catalogue.
What comes back are `Record`s, dicts whose keys are attributes too; times are RFC 3339, and exact
numbers are strings such as "30000/1001", which `fraction` reads. What fails raises an exception
under `Error`. `open` gives a `Video`, whose frames are NumPy arrays; `write` and
`VideoWriter` write them; `imread` and `imwrite` are for stills, `aread` and `awrite` for sound,
and `camera` gives what a camera sees.
A `Stream` changes frames on their way, by `ops` and functions of your own, and `mosaic` lays
several out side by side; `plot` draws numbers and sound as frames, and `show` shows any of these
in a notebook. `MediaIndexer` is for programs that were written for the prototype.
"""

from . import ops as ops
from . import plot as plot
from ._camera import Camera, camera, cameras
from ._errors import (
    Bug,
    Conflict,
    CorruptMedia,
    Denied,
    Error,
    Invalid,
    LimitExceeded,
    NotEnoughMemory,
    NotFound,
    Unavailable,
    Unsupported,
)
from ._library import Library
from ._memory import default_bytes as _default_bytes
from ._open import open
from ._planes import Planes
from ._record import Record, fraction
from ._rushes import VERSION as __version__
from ._show import Shown, show
from ._sound import aread, awrite
from ._still import imread, imwrite
from ._stream import Stream, Tile, mosaic
from ._video import Video
from ._writer import VideoWriter, write
from .indexer import MediaIndexer

__all__ = [
    "Bug",
    "Camera",
    "Conflict",
    "CorruptMedia",
    "Denied",
    "Error",
    "Invalid",
    "Library",
    "LimitExceeded",
    "MediaIndexer",
    "NotEnoughMemory",
    "NotFound",
    "Planes",
    "Record",
    "Shown",
    "Stream",
    "Tile",
    "Unavailable",
    "Unsupported",
    "Video",
    "VideoWriter",
    "__version__",
    "aread",
    "awrite",
    "camera",
    "cameras",
    "fraction",
    "imread",
    "imwrite",
    "mosaic",
    "open",
    "show",
    "write",
]


def __getattr__(name: str) -> int:
    # Until somebody sets it, it is what the machine has now.
    if name == "memory_budget_bytes":
        return _default_bytes()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


# They are met under this name, in tracebacks and in help.
for _name in __all__:
    if callable(globals()[_name]):
        globals()[_name].__module__ = __name__
del _name

"""Rushes: index, search and probe any folder of media.

    import rushes

    library = rushes.Library()
    library.scan("/media/card")
    for asset in library.search("kind:video duration:>10")["items"]:
        print(asset.name, asset.codec, rushes.fraction(asset.frame_rate_hz))

`Library` has every verb of the `rushes` command as a method and works on the same catalogue.
What comes back are `Record`s, dicts whose keys are attributes too; times are RFC 3339, and exact
numbers are strings such as "30000/1001", which `fraction` reads. What fails raises an exception
under `Error`. `MediaIndexer` is for programs that were written for the prototype.
"""

from ._errors import (
    Bug,
    Conflict,
    CorruptMedia,
    Denied,
    Error,
    Invalid,
    LimitExceeded,
    NotFound,
    Unavailable,
    Unsupported,
)
from ._library import Library
from ._record import Record, fraction
from ._rushes import VERSION as __version__
from .indexer import MediaIndexer

__all__ = [
    "Bug",
    "Conflict",
    "CorruptMedia",
    "Denied",
    "Error",
    "Invalid",
    "Library",
    "LimitExceeded",
    "MediaIndexer",
    "NotFound",
    "Record",
    "Unavailable",
    "Unsupported",
    "__version__",
    "fraction",
]

# They are met under this name, in tracebacks and in help.
for _name in __all__:
    if callable(globals()[_name]):
        globals()[_name].__module__ = __name__
del _name

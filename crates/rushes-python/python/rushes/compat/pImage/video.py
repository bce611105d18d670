"""Where easimage 3 keeps its readers, writers and converters."""

from . import _time_first as mosaics
from . import converters, hiris, readers, writers

__all__ = ["converters", "hiris", "mosaics", "readers", "writers"]

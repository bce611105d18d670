"""Where easimage 3 keeps its readers, writers and converters."""

from . import converters, hiris, mosaics, readers, writers

__all__ = ["converters", "hiris", "mosaics", "readers", "writers"]

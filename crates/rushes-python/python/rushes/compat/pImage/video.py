"""Where easimage 3 keeps its readers, writers and converters."""

from . import converters, mosaics, readers, writers

__all__ = ["converters", "mosaics", "readers", "writers"]

"""Where easimage 3 keeps its readers, writers and converters."""

from . import converters, readers, writers

__all__ = ["converters", "readers", "writers"]

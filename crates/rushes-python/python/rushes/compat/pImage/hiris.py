"""Where easimage keeps the reader of `.seq` recordings."""

from .readers import HirisReader

__all__ = ["HirisReader"]

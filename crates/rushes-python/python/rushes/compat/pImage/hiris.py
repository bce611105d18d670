"""Where easimage keeps what reads the `.seq` recordings of Hiris."""

from ._hiris import HirisBinFile, HirisSeqFile
from .readers import HirisReader

__all__ = ["HirisBinFile", "HirisReader", "HirisSeqFile"]

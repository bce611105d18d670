"""numm, as its version 0.3 was used: media files as arrays, and programs of a few functions.

    import rushes.compat.numm as numm

    frames = numm.video2np("clip.mp4")              # (T, 96, W, 3) uint8, 30 a second
    numm.np2video(frames[::-1], "backwards.mp4")

The names, parameters and defaults are numm's. What differs is in docs/numm.md.
"""

from . import opencv
from ._buffer import CorruptMedia, NotFound, NummBuffer, Unsupported
from ._image import image2np, np2image
from ._run import Run, run
from ._sound import np2sound, sound2np, sound_chunks
from ._video import np2video, video2np, video_frames

__all__ = [
    "CorruptMedia",
    "NotFound",
    "NummBuffer",
    "Run",
    "Unsupported",
    "image2np",
    "np2image",
    "np2sound",
    "np2video",
    "opencv",
    "run",
    "sound2np",
    "sound_chunks",
    "video2np",
    "video_frames",
]

"""Sound devices, by ALSA's library, which is loaded when the first one is opened.

It is no part of the extension module, so that Rushes needs none where nobody plays.
"""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING, Any

import numpy

from ..._errors import Unavailable

if TYPE_CHECKING:
    from numpy.typing import NDArray

WHAT = "opening a sound device"
LIBRARY = "libasound.so.2"
# ALSA's own numbers.
PLAYBACK, CAPTURE = 0, 1
S16 = 2 if sys.byteorder == "little" else 3
INTERLEAVED = 3
# How much sound a device holds: what is late by more is heard.
LATENCY_US = 100_000

Complaint = ctypes.CFUNCTYPE(
    None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p
)
# What the library would print; what matters comes as a number.
unheard = Complaint(lambda *complaint: None)


def library() -> ctypes.CDLL:
    try:
        alsa = ctypes.CDLL(LIBRARY)
    except OSError:
        remedy = "install libasound2 (Debian), or go on without sound"
        raise Unavailable(WHAT, f"there is no {LIBRARY}", remedy) from None
    pointer, count, number = ctypes.c_void_p, ctypes.c_long, ctypes.c_uint
    alsa.snd_strerror.restype = ctypes.c_char_p
    alsa.snd_pcm_open.argtypes = [
        ctypes.POINTER(pointer), ctypes.c_char_p, ctypes.c_int, ctypes.c_int,
    ]  # fmt: skip
    alsa.snd_pcm_set_params.argtypes = [
        pointer, ctypes.c_int, ctypes.c_int, number, number, ctypes.c_int, number,
    ]  # fmt: skip
    for move in (alsa.snd_pcm_writei, alsa.snd_pcm_readi):
        move.argtypes, move.restype = [pointer, pointer, ctypes.c_ulong], count
    alsa.snd_pcm_recover.argtypes = [pointer, ctypes.c_int, ctypes.c_int]
    for end in (alsa.snd_pcm_drain, alsa.snd_pcm_close):
        end.argtypes = [pointer]
    alsa.snd_lib_error_set_handler(unheard)
    return alsa


class Device:
    """The default device, for C-contiguous int16 samples [N, channels]."""

    def __init__(self, rate_hz: int, channels: int, *, plays: bool) -> None:
        self._alsa, self._plays = library(), plays
        self._handle = ctypes.c_void_p()
        mode = PLAYBACK if plays else CAPTURE
        self._check(self._alsa.snd_pcm_open(ctypes.byref(self._handle), b"default", mode, 0))
        try:
            resampled = 1
            self._check(
                self._alsa.snd_pcm_set_params(
                    self._handle, S16, INTERLEAVED, channels, rate_hz, resampled, LATENCY_US
                )
            )
        except Unavailable:
            self._alsa.snd_pcm_close(self._handle)
            raise

    def write(self, samples: NDArray[numpy.int16]) -> None:
        """Plays them; waits until there is room. Other threads run meanwhile."""
        self._move(self._alsa.snd_pcm_writei, samples)

    def read(self, samples: NDArray[numpy.int16]) -> None:
        """Fills them with what it hears next; waits for that. Other threads run meanwhile."""
        self._move(self._alsa.snd_pcm_readi, samples)

    def close(self) -> None:
        """Plays what is left, and lets go of it."""
        if self._plays:
            self._alsa.snd_pcm_drain(self._handle)
        self._alsa.snd_pcm_close(self._handle)

    def _move(self, move: Any, samples: NDArray[numpy.int16]) -> None:
        done = 0
        while done < len(samples):
            rest = samples[done:]
            moved = move(self._handle, rest.ctypes.data, len(rest))
            if moved < 0:
                # It ran dry, or slept; else it is gone.
                self._check(self._alsa.snd_pcm_recover(self._handle, moved, 1))
            else:
                done += moved

    def _check(self, code: int) -> None:
        if code < 0:
            raise Unavailable(WHAT, self._alsa.snd_strerror(code).decode(errors="replace"))

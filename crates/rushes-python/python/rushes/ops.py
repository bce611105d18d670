"""Operations on frames: each a function of an array that gives a new one.

    smaller = rushes.ops.resize(frame, width_px=640, filter="lanczos3")

An array is [H, W] grey, [H, W, 3] RGB or [H, W, 4] RGBA, of uint8 (0 to 255), uint16 (0 to 65535)
or float32 (0 to 1); float64 becomes float32. What comes out has the same kind of numbers, and is
owned by nobody else. Brightness in parameters is a share of the full range: 0 is black, 1 is
white. Parameters are given by their names. Other threads run meanwhile.

Raises `rushes.Invalid` (a ValueError) for parameters beyond their ranges and arrays that are no
pictures, and TypeError for a parameter that there is not. A `rushes.Stream` has each of them as a
method. `stft` is for sound.
"""

from __future__ import annotations

import operator as _operator
from typing import TYPE_CHECKING

from . import _rushes
from ._stream import OPERATIONS
from ._stream import mono as _mono

if TYPE_CHECKING:
    import numpy
    from numpy.typing import ArrayLike, NDArray


def stft(
    samples: ArrayLike, *, window_samples: int = 1024, hop_samples: int = 256
) -> NDArray[numpy.float32]:
    """Finds the frequencies of sound over time: the short-time Fourier transform, Hann window.

    samples: [N], or [N, 1], of floats; what is not finite counts as 0.
    window_samples: of each spectrum: 16 to 65536, even.
    hop_samples: from one spectrum to the next: 1 to `window_samples`.

    Gives amplitudes, float32 [spectra, window_samples / 2 + 1]: from 0 Hz to half the rate, 1 for
    a sine of full scale. Spectrum k begins with sample k * hop_samples; what is left at the end
    and does not fill a window is in none. `numpy.log10` of it times 20 is the level in dB.

    Raises `rushes.Invalid` (a ValueError) for less sound than one window has.
    """
    import numpy

    window, hop = _operator.index(window_samples), _operator.index(hop_samples)
    bins, values = _rushes.stft(_mono(samples, "finding frequencies"), window, hop)
    return numpy.frombuffer(values, numpy.float32).reshape(-1, bins)


globals().update(OPERATIONS)
for _function in OPERATIONS.values():
    _function.__module__ = __name__
del _function

__all__ = sorted([*OPERATIONS, "stft"])
del OPERATIONS

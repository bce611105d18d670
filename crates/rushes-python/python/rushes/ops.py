"""Operations on frames: each a function of an array that gives a new one.

    smaller = rushes.ops.resize(frame, width_px=640, filter="lanczos3")

An array is [H, W] grey, [H, W, 3] RGB or [H, W, 4] RGBA, of uint8 (0 to 255), uint16 (0 to 65535)
or float32 (0 to 1); float64 becomes float32. What comes out has the same kind of numbers, and is
owned by nobody else. Brightness in parameters is a share of the full range: 0 is black, 1 is
white. Parameters are given by their names. Other threads run meanwhile.

Raises `rushes.Invalid` (a ValueError) for parameters beyond their ranges and arrays that are no
pictures, and TypeError for a parameter that there is not. A `rushes.Stream` has each of them as a
method.
"""

from ._stream import OPERATIONS

globals().update(OPERATIONS)
for _function in OPERATIONS.values():
    _function.__module__ = __name__
del _function

__all__ = sorted(OPERATIONS)
del OPERATIONS

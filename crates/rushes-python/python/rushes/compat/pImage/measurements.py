"""How far one picture is shifted against another."""

from __future__ import annotations

from typing import Any

import numpy
from numpy.typing import ArrayLike

from ..._errors import Invalid
from .transformations import flat_field_correction


def correlation_2D(
    image1_gray: ArrayLike,
    image2_gray: ArrayLike,
    flat_field: ArrayLike | None = None,
    flat_field_corrected: bool = False,
    gaussian: float | None = None,
) -> dict[str, Any]:
    """The cross-correlation of two grey pictures of one size, each less its mean, by FFT.

    flat_field, gaussian: what both are corrected by first, as in `flat_field_correction`; unless
        they are `flat_field_corrected`, or neither is given.

    Gives a dict: `correlation_image` [H, W], whose middle (H // 2, W // 2) is no shift; `shifts`,
    [-dx, -dy] where the second picture lies dx pixels right and dy down of the first;
    `maximum_correlation_point`, [x, y] in that image; `reference_image` and `measured_image`, the
    two as they were compared.
    """
    compared = []
    for image in (image1_gray, image2_gray):
        picture = numpy.asarray(image, float)
        if not flat_field_corrected and (flat_field is not None or gaussian is not None):
            picture = flat_field_correction(picture, flat_field, gaussian)
        compared.append(picture - picture.mean())
    first, second = compared
    if first.ndim != 2 or first.shape != second.shape:
        why = f"their shapes are {first.shape} and {second.shape}"
        raise Invalid("correlating pictures", why, "give two grey pictures of one size")
    rows, columns = first.shape
    # With as many zeros, what leaves at one side does not come back at the other.
    size = (2 * rows, 2 * columns)
    spectrum = numpy.fft.rfft2(first, size) * numpy.fft.rfft2(second, size).conj()
    middle = (rows // 2, columns // 2)
    image = numpy.roll(numpy.fft.irfft2(spectrum, size), middle, (0, 1))[:rows, :columns]
    y, x = divmod(int(image.argmax()), columns)
    return {
        "correlation_image": image,
        "shifts": numpy.array([x - middle[1], y - middle[0]], float),
        "maximum_correlation_point": numpy.array([x, y]),
        "reference_image": first,
        "measured_image": second,
    }

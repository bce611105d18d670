"""How far one picture is shifted against another."""

from __future__ import annotations

import math
from typing import Any

import numpy
from numpy.typing import ArrayLike, NDArray

from ..._errors import Invalid
from ._frames import Unsupported
from .transformations import flat_field_correction, rescale_to_8bit

COMPARING = "comparing pictures"
# Points by which a turn, a scale and a shift are known, and how much nearer than the second best
# match the best must be (D. Lowe, "Distinctive Image Features from Scale-Invariant Keypoints", 2004).
LEAST_POINTS, NEARER = 2, 0.75


class SiftComparison:
    """How a picture is turned, scaled and shifted against another one, by points that both show.

    Points are found by SIFT, and the motion by RANSAC, both OpenCV's: it must be installed.

    vector: the matrix [2, 3] that takes the points of the reference to those of the measured one.
    """

    def __init__(
        self, vector: NDArray[Any], images: tuple[Any, Any], points: tuple[Any, Any, Any]
    ) -> None:
        self.vector = vector
        self._images, self._points = images, points

    @classmethod
    def from_images(
        cls, ref: ArrayLike, measured: ArrayLike, max_pt_num: int = 25
    ) -> SiftComparison:
        """Compares two grey pictures by the `max_pt_num` points that match best.

        Raises `rushes.Invalid` (a ValueError) where they have too few points in common, and
        `Unsupported` (a NotImplementedError) without OpenCV.
        """
        cv = opencv()
        images = (as_gray(ref), as_gray(measured))
        found = [cv.SIFT_create().detectAndCompute(image, None) for image in images]
        pairs = []
        if all(descriptors is not None for _, descriptors in found):
            near = cv.BFMatcher().knnMatch(found[0][1], found[1][1], k=2)
            pairs = [
                two[0]
                for two in near
                if len(two) == 2 and two[0].distance < NEARER * two[1].distance
            ]
        matches = sorted(pairs, key=lambda match: match.distance)[:max_pt_num]
        starts = numpy.array([found[0][0][match.queryIdx].pt for match in matches], numpy.float32)
        ends = numpy.array([found[1][0][match.trainIdx].pt for match in matches], numpy.float32)
        vector = None
        if len(matches) >= LEAST_POINTS:
            vector, _ = cv.estimateAffinePartial2D(starts, ends)
        if vector is None:
            why = f"they have {len(matches)} points in common, which show no motion"
            raise Invalid(COMPARING, why, "give pictures of the same thing, with edges")
        return cls(vector, images, (found[0][0], found[1][0], matches))

    @property
    def translation_x(self) -> float:
        """Pixels to the right."""
        return float(self.vector[0, 2])

    @property
    def translation_y(self) -> float:
        """Pixels down."""
        return float(self.vector[1, 2])

    @property
    def trans_vector(self) -> NDArray[numpy.float64]:
        """Both, [x, y]."""
        return numpy.array([self.translation_x, self.translation_y])

    @property
    def rotation(self) -> float:
        """Degrees, clockwise as the pictures are seen."""
        return math.degrees(math.atan2(self.vector[1, 0], self.vector[0, 0]))

    def draw_keypoints(self) -> NDArray[numpy.uint8]:
        """Both pictures side by side, with lines between the points: RGB [H, W, 3]."""
        (first, second), (starts, ends, matches) = self._images, self._points
        drawn = opencv().drawMatches(first, starts, second, ends, matches, None)
        return numpy.ascontiguousarray(drawn)


def opencv() -> Any:
    """OpenCV, where it is installed."""
    try:
        import cv2
    except ImportError:
        remedy = "pip install opencv-python-headless"
        raise Unsupported(COMPARING, "OpenCV, which finds the points, is missing", remedy) from None
    return cv2


def as_gray(image: ArrayLike) -> NDArray[numpy.uint8]:
    """A grey picture of 8 bits."""
    picture = numpy.asarray(image)
    if picture.ndim != 2:
        raise Invalid(COMPARING, f"a picture's shape is {picture.shape}", "give grey ones, [H, W]")
    return picture if picture.dtype == numpy.uint8 else rescale_to_8bit(picture)


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

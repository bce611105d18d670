"""OpenCV, scikit-image."""
import cv2
import numpy as np
from skimage import exposure

from cases import LUMA, colors, full, like, small


def scaled(factor, added):
    """factor * array + added * full"""
    return colors(lambda a: cv2.addWeighted(a, factor, a, 0, added * full(a)))


def powered(gamma):
    def over(array):
        shares = array.astype(np.float64) / full(array)
        return np.copysign(exposure.adjust_gamma(np.abs(shares), 1 / gamma), shares) * full(array)
    return colors(over)


def grey(array):
    if array.ndim == 2:
        return array
    return cv2.cvtColor(np.ascontiguousarray(array[..., :3]), cv2.COLOR_RGB2GRAY)


def luma(array):
    return array if array.ndim == 2 else like(array[..., :3].astype(np.float64) @ LUMA, array)


def write(writer):
    writer.add("brightness", {"amount": 0.13}, "OpenCV addWeighted", scaled(1, 0.13), small)
    writer.add("brightness", {"amount": -0.3}, "OpenCV addWeighted", scaled(1, -0.3))
    writer.add("contrast", {"factor": 1.7}, "OpenCV addWeighted", scaled(1.7, 0.5 * (1 - 1.7)), small)
    writer.add("contrast", {"factor": 0.6, "pivot": 0}, "OpenCV addWeighted", scaled(0.6, 0))
    for gamma in [2.2, 0.45]:
        writer.add("gamma", {"gamma": gamma}, "scikit-image adjust_gamma", powered(gamma),
                   lambda name: gamma > 1 or small(name))
    writer.add("grayscale", {"weights": [0.299, 0.587, 0.114]}, "OpenCV cvtColor", grey)
    writer.add("grayscale", {}, "NumPy dot", luma, small)

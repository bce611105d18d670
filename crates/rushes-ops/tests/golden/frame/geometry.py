"""NumPy, OpenCV, Pillow."""
import cv2
import numpy as np
from PIL import Image

from cases import colors, each_channel, full, like, premultiplied, small


def sides(array, pads):
    return pads + [(0, 0)] * (array.ndim - 2)


def constant(array, pads, color):
    red, green, blue, alpha = (np.float64(c) * full(array) for c in color)
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    fill = [luma] if array.ndim == 2 else [red, green, blue, alpha][: array.shape[2]]
    planes = array[..., None] if array.ndim == 2 else array
    done = [np.pad(planes[..., c], pads, constant_values=like(fill[c], array)) for c in range(len(fill))]
    return done[0] if array.ndim == 2 else np.dstack(done)


PILLOW = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC,
          "lanczos3": Image.LANCZOS}
OPENCV = {"nearest": cv2.INTER_NEAREST, "bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC,
          "lanczos4": cv2.INTER_LANCZOS4}


def pillow(width, height, how):
    def plane(array):
        return np.array(Image.fromarray(array).resize((width, height), PILLOW[how]))
    if how == "nearest":
        def over(array):
            return like(each_channel(lambda one: plane(one.astype(np.float32)))(array), array)
        return over
    return premultiplied(each_channel(plane))


def write(writer):
    def crop(array):
        return array[1:-2, 2:-1]
    writer.add("crop", {"top_px": 1, "bottom_px": 2, "left_px": 2, "right_px": 1}, "NumPy slice",
               crop, lambda name: name.startswith("small"))
    writer.add("crop", {}, "NumPy slice", lambda a: a, lambda name: name.startswith("one"))
    pads = [(3, 1), (9, 14)]
    base = {"top_px": 3, "bottom_px": 1, "left_px": 9, "right_px": 14}
    for mode in ["edge", "reflect", "symmetric"]:
        writer.add("pad", base | {"mode": mode}, "NumPy pad",
                   lambda a: np.pad(a, sides(a, pads), mode=mode),
                   lambda n: small(n) and ("rgb-u8" in n or "gray-f32" in n or n.startswith("one")))
    color = [0.8, 0.2, 0.4, 0.6]
    writer.add("pad", {"left_px": 1, "bottom_px": 2, "color": color}, "NumPy pad",
               lambda a: constant(a, [(0, 2), (1, 0)], color), small)
    for axis, which in [("horizontal", 1), ("vertical", 0)]:
        writer.add("flip", {"axis": axis}, "NumPy flip", lambda a: np.flip(a, which), small)
    for turns in [-1, 0, 1, 2, 7]:
        writer.add("rotate", {"quarter_turns": turns}, "NumPy rot90", lambda a: np.rot90(a, turns),
                   lambda n: small(n) and (turns in (1, 2, 7) or "rgb-u8" in n))
    for how in PILLOW:
        for width, height in [(4, 3), (13, 8)]:
            writer.add("resize", {"width_px": width, "height_px": height, "filter": how}, "Pillow resize",
                       pillow(width, height, how), lambda n: small(n) and (width == 4 or "rgb-" in n))
        writer.add("resize", {"scale": 0.4, "filter": how}, "Pillow resize", pillow(9, 7, how),
                   lambda n: n == "large-rgb-u8")
    for width, height in [(4, 3), (3, 1)]:
        area = premultiplied(lambda a: cv2.resize(a, (width, height), interpolation=cv2.INTER_AREA))
        writer.add("resize", {"width_px": width, "height_px": height, "filter": "area"},
                   "OpenCV resize INTER_AREA", area, lambda n: n.startswith("small"))
    area = premultiplied(lambda a: cv2.resize(a, (12, 9), interpolation=cv2.INTER_AREA))
    writer.add("resize", {"width_px": 12}, "OpenCV resize INTER_AREA", area,
               lambda n: n == "large-rgb-f32" or n == "large-gray-u16")
    # OpenCV rounds coordinates to 1/32 pixel: these need no rounding.
    inverse = np.array([[1.0, 0.25, -0.5], [-0.5, 1.0, 1.125]])
    square = np.vstack([inverse, [0, 0, 1]])
    matrix = np.linalg.inv(square)[:2]
    border = [0.25, 0.25, 0.25, 1.0]
    for how, flag in OPENCV.items():
        def warped(array):
            def over(numbers):
                fill = (0.25 * full(array),) * 3 + (full(array),)
                return cv2.warpAffine(numbers, inverse, (9, 6), flags=flag | cv2.WARP_INVERSE_MAP,
                                      borderMode=cv2.BORDER_CONSTANT, borderValue=fill)
            return premultiplied(over)(array)
        writer.add("affine", {"matrix": matrix.tolist(), "interpolation": how, "border": border,
                              "width_px": 9, "height_px": 6}, "OpenCV warpAffine", warped,
                   lambda n: (small(n) and (how == "bilinear" or "one" not in n)
                              or n in ("large-rgb-u8", "large-gray-u16", "large-gray-f32")))

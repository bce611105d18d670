"""OpenCV, SciPy, scikit-image."""
import cv2
import numpy as np
from scipy import ndimage
from skimage import color

from cases import colors, each_channel, full, like, premultiplied, small


def gaussian(sigma):
    side = 2 * round(4 * sigma) + 1
    return lambda a: cv2.GaussianBlur(a, (side, side), sigma, borderType=cv2.BORDER_REFLECT_101)


def sharpened(amount, sigma, threshold):
    def over(array):
        if array.ndim == 3 and array.shape[2] == 4:
            blurry = premultiplied(gaussian(sigma), rounded=False)(array)[..., :3]
            base = array[..., :3].astype(np.float32)
        else:
            base = array.astype(np.float32)
            blurry = gaussian(sigma)(base)
        detail = base - blurry
        sharp = cv2.addWeighted(base, 1 + amount, blurry.astype(np.float32), -amount, 0)
        done = like(np.where(np.abs(detail) < threshold * full(array), base, sharp), array)
        return np.dstack([done, array[..., 3]]) if array.ndim == 3 and array.shape[2] == 4 else done
    return over


def medians(radius):
    return colors(each_channel(lambda a: ndimage.median_filter(a, size=2 * radius + 1, mode="nearest")))


def equalized(limit, columns, rows):
    def plane(array):
        return cv2.createCLAHE(limit, (columns, rows)).apply(array)

    def over(array):
        if array.ndim == 2 and array.dtype != np.float32:
            return plane(array)
        if array.ndim == 2:
            return plane(like(array * np.float32(65535), np.uint16(0))).astype(np.float32) / 65535
        lab = color.rgb2lab(np.clip(array[..., :3] / np.float64(full(array)), 0, 1))
        code = np.uint8(0) if array.dtype == np.uint8 else np.uint16(0)
        spread = plane(like(lab[..., 0] * full(code) / 100, code))
        lab[..., 0] = spread.astype(np.float64) * 100 / full(code)
        rgb = color.lab2rgb(lab) * full(array)
        done = like(rgb, array)
        return np.dstack([done, array[..., 3]]) if array.shape[2] == 4 else done
    return over


def like_places(strength, patch, search):
    """The formula of Buades, Coll and Morel, pixel by pixel, in doubles."""
    def over(array):
        planes = (array[..., None] if array.ndim == 2 else array[..., :3]).astype(np.float64)
        height, width, colours = planes.shape
        border = patch + search
        wide = np.pad(planes, [(border, border)] * 2 + [(0, 0)], mode="reflect")
        side = 2 * patch + 1
        done = np.empty_like(planes)
        for y, x in np.ndindex(height, width):
            own = wide[y + search:y + search + side, x + search:x + search + side]
            total, weights = 0, 0
            for v, u in np.ndindex(2 * search + 1, 2 * search + 1):
                patch_there = wide[y + v:y + v + side, x + u:x + u + side]
                distance = np.mean((own - patch_there) ** 2) / (strength * full(array)) ** 2
                total = total + np.exp(-distance) * patch_there[patch, patch]
                weights += np.exp(-distance)
            done[y, x] = total / weights
        done = like(done, array)
        if array.ndim == 2:
            return done[..., 0]
        return np.dstack([done, array[..., 3]]) if array.shape[2] == 4 else done
    return over


def denoised(strength, patch, search):
    """By OpenCV, which knows only 8 bits."""
    sides = (2 * patch + 1, 2 * search + 1)
    return colors(lambda a: cv2.fastNlMeansDenoising(a, None, strength * 255, *sides))


def write(writer):
    for sigma in [1.3, 0.6, 4.0]:
        writer.add("gaussian_blur", {"sigma_px": sigma}, "OpenCV GaussianBlur",
                   premultiplied(gaussian(sigma)), lambda n: sigma > 1 or small(n))
    for radius in [1, 3, 11]:
        side = (2 * radius + 1, 2 * radius + 1)
        writer.add("box_blur", {"radius_px": radius}, "OpenCV blur",
                   premultiplied(lambda a: cv2.blur(a, side, borderType=cv2.BORDER_REFLECT_101)),
                   lambda n: radius == 3 or small(n))
    writer.add("sharpen", {"amount": 1.5, "sigma_px": 0.8}, "OpenCV GaussianBlur, addWeighted",
               sharpened(1.5, 0.8, 0))
    writer.add("sharpen", {"amount": 0.7, "sigma_px": 2, "threshold": 0.1},
               "OpenCV GaussianBlur, addWeighted", sharpened(0.7, 2, 0.1), small)
    for radius in [1, 2, 6]:
        writer.add("median", {"radius_px": radius}, "SciPy median_filter", medians(radius),
                   lambda n: radius < 6 or not small(n))
    for limit, columns, rows in [(3, 3, 2), (0, 2, 2), (40, 8, 8), (2, 23, 17), (2, 23, 2)]:
        writer.add("clahe", {"clip_limit": limit, "tile_columns": columns, "tile_rows": rows},
                   "OpenCV CLAHE, scikit-image rgb2lab", equalized(limit, columns, rows),
                   lambda n: small(n) if columns < 3 else "gray" in n or columns == 3)
    for strength in [10 / 255, 60 / 255]:
        writer.add("denoise", {"strength": strength, "patch_radius_px": 2, "search_radius_px": 4},
                   "OpenCV fastNlMeansDenoising", denoised(strength, 2, 4), lambda n: "u8" in n)
    writer.add("denoise", {"strength": 0.15, "patch_radius_px": 1, "search_radius_px": 3},
               "NumPy", like_places(0.15, 1, 3), lambda n: small(n) or n == "large-rgb-f32")

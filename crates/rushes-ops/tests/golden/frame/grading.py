"""OpenCV, matplotlib, colour-science."""
import pathlib
import sys
import tempfile

import colour
import cv2
import matplotlib
import numpy as np

from cases import LUMA, full, like, small

sys.path.append("../../../tables")
from make_colormaps import MATPLOTLIB, OPENCV, table  # noqa: E402


def colored(name, low=0.0, high=1.0, reverse=False):
    def over(array):
        numbers = array.astype(np.float64) / full(array)
        share = numbers if array.ndim == 2 else numbers[..., :3] @ LUMA
        place = np.clip((share - low) / (high - low), 0, 1) * 255
        tones = table(name)[::-1] if reverse else table(name)
        done = [np.interp(place, np.arange(256), tones[:, c]) * (full(array) / 255) for c in range(3)]
        done = like(np.dstack(done), array)
        return np.dstack([done, array[..., 3]]) if array.ndim == 3 and array.shape[2] == 4 else done
    return over


def applied(name):
    """As the library itself does it, in 8 bits."""
    def over(array):
        if name in OPENCV:
            return cv2.applyColorMap(array, getattr(cv2, f"COLORMAP_{name.upper()}"))[..., ::-1]
        return matplotlib.colormaps[name](array / 255, bytes=True)[..., :3]
    return over


def cube_text(lines, size, domain):
    low, high = ("%.9g %.9g %.9g" % tuple(side) for side in domain)
    rows = "\n".join("%.6f %.6f %.6f" % tuple(row) for row in lines)
    return f'TITLE "made"\n{size}\nDOMAIN_MIN {low}\nDOMAIN_MAX {high}\n{rows}\n'


def looked_up(text, how):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "made.cube")
        path.write_text(text)
        lut = colour.io.read_LUT_IridasCube(str(path))

    def over(array):
        numbers = array.astype(np.float64) / full(array)
        rgb = np.dstack([numbers] * 3) if array.ndim == 2 else numbers[..., :3]
        done = lut.apply(rgb, **how) * full(array)
        if array.ndim == 2:
            return like(done @ LUMA, array)
        done = like(done, array)
        return done if array.shape[2] == 3 else np.dstack([done, array[..., 3]])
    return over


def write(writer):
    for name in MATPLOTLIB + OPENCV:
        writer.add("colormap", {"map": name}, "matplotlib, OpenCV applyColorMap", applied(name),
                   lambda n: n == "large-gray-u8")
    writer.add("colormap", {"map": "inferno"}, "NumPy interp", colored("inferno"), small)
    writer.add("colormap", {"map": "jet", "low": 0.2, "high": 0.7, "reversed": True}, "NumPy interp",
               colored("jet", 0.2, 0.7, True), small)

    rng = np.random.default_rng(7)
    from colour.algebra import table_interpolation_tetrahedral, table_interpolation_trilinear
    domain = [(-0.1, 0.0, 0.1), (1.1, 1.0, 0.9)]
    side = 5
    solid = np.stack(np.meshgrid(*[np.linspace(0, 1, side)] * 3, indexing="ij"), -1)[..., ::-1]
    solid = solid.reshape(-1, 3) ** 0.8 + 0.1 * rng.standard_normal((side ** 3, 3))
    text = cube_text(solid, f"LUT_3D_SIZE {side}", domain)
    for mixing, function in [("tetrahedral", table_interpolation_tetrahedral),
                             ("trilinear", table_interpolation_trilinear)]:
        writer.add("lut", {"cube": text, "mixing": mixing}, "colour-science LUT3D",
                   looked_up(text, {"interpolator": function}), small)
    curves = np.linspace(0, 1, 7)[:, None] ** [0.7, 1.0, 1.6] + 0.05 * rng.standard_normal((7, 3))
    text = cube_text(curves, "LUT_1D_SIZE 7", domain)
    writer.add("lut", {"cube": text}, "colour-science LUT3x1D", looked_up(text, {"extrapolator_kwargs": {"method": "Constant"}}), small)

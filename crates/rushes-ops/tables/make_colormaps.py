#!/usr/bin/env python3
"""Makes colormaps.bin: 256 colours of 8 bits, red, green, blue, for each map.

Needs: pip install -r ../tests/golden/frame/requirements.txt
The maps of matplotlib are CC0, cividis and turbo free to use (Nunez, Anderton and Renslow 2018;
Mikhailov 2019). Those of OpenCV sample the formulas of GNU Octave. The order is that of the enum `Map`.
"""
import pathlib

import cv2
import matplotlib
import numpy as np

MATPLOTLIB = ["viridis", "magma", "inferno", "plasma", "cividis", "turbo", "twilight",
              "twilight_shifted"]
OPENCV = ["jet", "hot", "bone", "cool", "rainbow", "hsv", "ocean", "pink",
          "autumn", "spring", "summer", "winter", "parula", "deepgreen"]


def table(name):
    """[256, 3] u8, RGB."""
    ramp = np.arange(256, dtype=np.uint8)
    if name in OPENCV:
        return cv2.applyColorMap(ramp, getattr(cv2, f"COLORMAP_{name.upper()}")).reshape(256, 3)[:, ::-1]
    # As shares: twilight has 510 colours, of which every other one is taken.
    return matplotlib.colormaps[name](ramp / 255, bytes=True)[:, :3]


if __name__ == "__main__":
    tables = [table(name) for name in MATPLOTLIB + OPENCV]
    pathlib.Path(__file__).with_name("colormaps.bin").write_bytes(b"".join(t.tobytes() for t in tables))

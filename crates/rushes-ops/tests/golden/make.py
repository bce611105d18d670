#!/usr/bin/env python3
"""Makes the reference files beside it, from code that is not ours.

Needs: pip install pillow numpy opencv-python-headless colour-science
Run it in this folder; it writes the same bytes each time.

source.ppm           97 x 61, a smooth gradient, hard edges and fixed noise
source16.ppm         the same with 16 bits
resize_<W>x<H>.ppm   Pillow, Image.resize with LANCZOS
resize16_<W>x<H>.ppm Pillow, each channel in mode F with LANCZOS, rounded
orient.txt           Pillow, ImageOps.exif_transpose of a 3 x 2 picture, for 1 to 8
measure.txt          OpenCV: variance of Laplacian (CV_64F), mean and deviation of luma
transfer.txt         colour-science: PQ codes for nits, HLG scene light for signals
tone.txt             colour-science: PQ and HLG colours below the knee, as 8-bit sRGB
"""
import random

import colour
import cv2
import numpy as np
from PIL import Image, ImageOps

random.seed(20240601)


def source():
    rows = []
    for y in range(61):
        row = []
        for x in range(97):
            noise = random.randrange(-12, 13)
            edge = 90 if (x // 9 + y // 7) % 2 else 0
            row.append([x * 2 + noise, y * 3 + edge, 255 - x - y + noise])
        rows.append(row)
    return np.clip(np.array(rows), 0, 255).astype(np.uint8)


def write16(name, array):
    height, width, _ = array.shape
    with open(name, "wb") as file:
        file.write(b"P6\n%d %d\n65535\n" % (width, height))
        file.write(array.astype(">u2").tobytes())


eight = source()
image = Image.fromarray(eight)
image.save("source.ppm")
sixteen = eight.astype(np.uint16) * 257 ^ np.indices(eight.shape).sum(axis=0).astype(np.uint16)
write16("source16.ppm", sixteen)
for width, height in [(48, 30), (20, 13), (5, 3)]:
    image.resize((width, height), Image.LANCZOS).save(f"resize_{width}x{height}.ppm")
width, height = 48, 30
planes = [
    np.array(Image.fromarray(sixteen[:, :, c].astype(np.float32)).resize((width, height), Image.LANCZOS))
    for c in range(3)
]
write16(f"resize16_{width}x{height}.ppm", np.clip(np.rint(np.dstack(planes)), 0, 65535))

with open("orient.txt", "w") as file:
    small = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    for orientation in range(1, 9):
        one = Image.fromarray(small)
        one.getexif()[0x0112] = orientation
        turned = ImageOps.exif_transpose(one)
        numbers = " ".join(str(value) for value in turned.tobytes())
        print(orientation, turned.width, turned.height, numbers, file=file)


def luma(array):
    return (array.astype(np.float64) @ [0.2126, 0.7152, 0.0722]) / 255.0


with open("measure.txt", "w") as file:
    for name, array in [
        ("source", eight),
        ("blurred", cv2.GaussianBlur(eight, (0, 0), 3)),
        ("row", eight[:1]),
        ("column", eight[:, :1]),
        ("pixel", eight[:1, :1]),
    ]:
        if name == "blurred":
            Image.fromarray(array).save("blurred.ppm")
        plane = luma(array)
        laplacian = cv2.Laplacian(plane, cv2.CV_64F, ksize=1, borderType=cv2.BORDER_REFLECT_101)
        print(name, laplacian.var(), plane.mean(), plane.std(), file=file)

with open("transfer.txt", "w") as file:
    for nits in [0.005, 1, 10, 100, 203, 1000, 4000, 10000]:
        print("pq", nits, colour.models.eotf_inverse_ST2084(nits), file=file)
    for signal in [0.1, 0.38, 0.5, 0.75, 0.9, 1.0]:
        print("hlg", signal, colour.models.oetf_inverse_BT2100_HLG(signal), file=file)

# Below the knee of BT.2390 the tone curve is the identity, so that everything
# else (transfer, system gamma, matrix, sRGB) can be had from elsewhere.
to709 = colour.matrix_RGB_to_RGB(
    colour.RGB_COLOURSPACES["ITU-R BT.2020"], colour.RGB_COLOURSPACES["ITU-R BT.709"])
with open("tone.txt", "w") as file:
    for nits in [(0, 0, 0), (1, 1, 1), (20, 20, 20), (60, 50, 40), (40, 60, 50), (70, 70, 65)]:
        codes = np.rint(colour.models.eotf_inverse_ST2084(np.array(nits, float)) * 65535)
        linear = colour.models.eotf_ST2084(codes / 65535) / 203.0
        out = np.clip(to709 @ linear, 0, 1)
        srgb = np.rint(colour.models.eotf_inverse_sRGB(out) * 255)
        print("smpte2084", *codes.astype(int), *srgb.astype(int), file=file)
    for signal in [(0.1, 0.1, 0.1), (0.4, 0.4, 0.4), (0.45, 0.4, 0.42), (0.3, 0.35, 0.4)]:
        codes = np.rint(np.array(signal) * 65535)
        linear = colour.models.eotf_BT2100_HLG(codes / 65535, L_B=0, L_W=1000) / 203.0
        out = np.clip(to709 @ linear, 0, 1)
        srgb = np.rint(colour.models.eotf_inverse_sRGB(out) * 255)
        print("arib-std-b67", *codes.astype(int), *srgb.astype(int), file=file)

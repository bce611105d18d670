#!/usr/bin/env python3
"""Makes the small sequences that `sequences.rs` reads, and what others read in them.

    python3 -m venv somewhere && somewhere/bin/pip install numpy pillow pims tifffile
    somewhere/bin/python make.py

The recordings of StreamPix are written from the layout of the header alone: nothing of Rushes has
a part in it. What is in them is then read by PIMS, and JPEGs by Pillow; animations are written and
read by Pillow (WebP by libwebp), TIFFs written by tifffile. Each `NAME.numbers` holds the numbers of
all frames one after another, in little endian; each `NAME.times` a time in seconds a line, from PIMS,
or how long each frame lasts in milliseconds, from Pillow.
"""

import io
import struct
from pathlib import Path

import numpy
import pims
import tifffile
from PIL import Image, ImageDraw

HERE = Path(__file__).parent
WIDTH, HEIGHT, FRAMES = 20, 12, 5
# 2019-01-01 12:00:00.
DAY = 1_546_344_000


def header(version, depth, real, image_bytes, kind, stride, rate, compression=0, frames=FRAMES):
    head = bytearray(1024)
    struct.pack_into("<L", head, 0, 0xFEED)
    head[4:26] = "Norpix seq\n".encode("utf-16-le")
    struct.pack_into("<ll", head, 28, version, 1024)
    text = "Drops, high speed".encode("utf-16-le")
    head[36 : 36 + len(text)] = text
    struct.pack_into(
        "<LLLLLLLLLd",
        head,
        548,
        WIDTH,
        HEIGHT,
        depth,
        real,
        image_bytes,
        kind,
        frames,
        0,
        stride,
        rate,
    )
    struct.pack_into("<L", head, 620, compression)
    return bytes(head)


def stamp(i):
    """Frames come 3.141 milliseconds apart, one of them late."""
    micros = DAY * 1_000_000 + 250_007 + i * 3141 + (1000 if i > 2 else 0)
    return struct.pack("<LHH", micros // 1_000_000, micros // 1000 % 1000, micros % 1000)


def gray(i):
    y, x = numpy.mgrid[:HEIGHT, :WIDTH]
    return (x * 7 + y * 17 + i * 31) % 256


def raw(name, version, depth, real, kind, pictures, rate):
    image_bytes = len(pictures[0])
    stride = (image_bytes + 8 + 511) // 512 * 512
    data = header(version, depth, real, image_bytes, kind, stride, rate)
    data = data.ljust(8192 if version >= 5 else 1024, b"\0")
    for i, picture in enumerate(pictures):
        data += (picture + stamp(i)).ljust(stride, b"\0")
    (HERE / name).write_bytes(data)


def jpegs(name, pictures, depth, kind, filling):
    image_bytes = WIDTH * HEIGHT * depth // 8
    data = header(5, depth, 8, image_bytes, kind, image_bytes, 300.0, compression=1)
    numbers = b""
    for i, picture in enumerate(pictures):
        coded = io.BytesIO()
        picture.save(coded, "jpeg", quality=90)
        coded = coded.getvalue()
        data += struct.pack("<L", len(coded) + 4) + coded + stamp(i) + filling
        numbers += numpy.asarray(Image.open(io.BytesIO(coded))).tobytes()
    (HERE / name).write_bytes(data)
    (HERE / f"{name}.numbers").write_bytes(numbers)


def read_by_pims(name):
    frames = pims.NorpixSeq(str(HERE / name))
    numbers = b"".join(
        numpy.asarray(frame).astype("<u2" if frame.itemsize == 2 else "u1").tobytes()
        for frame in frames
    )
    (HERE / f"{name}.numbers").write_bytes(numbers)
    times = [f"{frames.get_time_float(i):.6f}" for i in range(len(frames))]
    (HERE / f"{name}.times").write_text("\n".join(times) + "\n")


def recordings():
    eight = [gray(i).astype("u1").tobytes() for i in range(FRAMES)]
    raw("mono8_v3.seq", 3, 8, 8, 100, eight, 29.97)
    raw("mono8_v5.seq", 5, 8, 8, 100, eight, 300.0)
    twelve = [(gray(i) * 16 + 5).astype("<u2").tobytes() for i in range(FRAMES)]
    raw("mono12_v5.seq", 5, 16, 12, 100, twelve, 300.0)
    for name in ["mono8_v3.seq", "mono8_v5.seq", "mono12_v5.seq"]:
        read_by_pims(name)
    # PIMS reads no colour: blue, green, red of each pixel are as they are made here.
    color = [
        numpy.stack([gray(i), gray(i + 1), gray(i + 2)], 2).astype("u1") for i in range(FRAMES)
    ]
    raw("bgr_v5.seq", 5, 24, 8, 200, [it[:, :, ::-1].tobytes() for it in color], 300.0)
    (HERE / "bgr_v5.seq.numbers").write_bytes(b"".join(it.tobytes() for it in color))
    jpegs(
        "jpeg_gray.seq", [Image.fromarray(gray(i).astype("u1")) for i in range(FRAMES)], 8, 100, b""
    )
    jpegs("jpeg_color.seq", [Image.fromarray(it) for it in color], 24, 200, bytes(8))


def drawn(i, clear):
    picture = Image.new("RGBA", (32, 24), (0, 0, 0, 0) if clear else (30, 60, 90, 255))
    draw = ImageDraw.Draw(picture)
    draw.rectangle(
        [i * 4, i * 3, i * 4 + 9, i * 3 + 7], fill=(250 - i * 40, 20 + i * 50, i * 60, 255)
    )
    draw.rectangle([20, 2, 27, 8], fill=(5, 200, 100, 255))
    return picture


def animations():
    lasts = [70, 130, 40, 1000, 250]
    pictures = [drawn(i, clear=True) for i in range(len(lasts))]
    first, *rest = pictures
    first.save(
        HERE / "moving.webp",
        save_all=True,
        append_images=rest,
        duration=lasts,
        lossless=True,
        minimize_size=True,
    )
    first.save(
        HERE / "moving.png", save_all=True, append_images=rest, duration=lasts, disposal=1, blend=1
    )
    opaque = [drawn(i, clear=False).convert("RGB").quantize(16) for i in range(len(lasts))]
    opaque[0].save(
        HERE / "moving.gif",
        save_all=True,
        append_images=opaque[1:],
        duration=lasts,
        disposal=[1, 1, 1, 1, 1],
    )
    for name in ["moving.webp", "moving.png", "moving.gif"]:
        again, numbers, durations = Image.open(HERE / name), b"", []
        for i in range(again.n_frames):
            again.seek(i)
            again.load()
            numbers += again.convert("RGBA").tobytes()
            durations.append(f"{again.info['duration']:.0f}")
        (HERE / f"{name}.numbers").write_bytes(numbers)
        (HERE / f"{name}.times").write_text("\n".join(durations) + "\n")


def pages():
    """Six pages of 16-bit grey, a smaller copy of each behind it, which is no page of its own."""
    for name, options in [
        ("pages.tif", {}),
        ("pages_big.tif", {"bigtiff": True, "byteorder": ">"}),
    ]:
        with tifffile.TiffWriter(HERE / name, **options) as file:
            for i in range(6):
                picture = (gray(i) * 257).astype("u2")
                file.write(picture, photometric="minisblack", contiguous=False, metadata=None)
                file.write(
                    picture[::2, ::2],
                    photometric="minisblack",
                    subfiletype=1,
                    contiguous=False,
                    metadata=None,
                )


recordings()
animations()
pages()

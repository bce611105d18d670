#!/usr/bin/env python3
"""Makes the pictures beside it and what their colours are in sRGB, by code that is not ours.

Needs: apt install python3-pil (Pillow with LittleCMS 2). Run it in this folder.

The ICC profiles inside are made here, from the published primaries and curves. NAME.rgb is what
Pillow decodes from NAME, brought to sRGB by LittleCMS (perceptual, so with black point
compensation for CMYK), laid over mid grey where it is transparent.
"""
import io
import struct
import zlib

from PIL import Image, ImageCms

WIDTH, HEIGHT = 32, 24
D50 = (0.9642, 1.0, 0.8249)
D65 = (0.3127, 0.3290)


def product(one, other):
    return [[sum(one[i][k] * other[k][j] for k in range(3)) for j in range(3)] for i in range(3)]


def applied(matrix, vector):
    return [sum(matrix[i][k] * vector[k] for k in range(3)) for i in range(3)]


def inverse(m):
    (a, b, c), (d, e, f), (g, h, i) = m
    det = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    rows = [[e * i - f * h, c * h - b * i, b * f - c * e],
            [f * g - d * i, a * i - c * g, c * d - a * f],
            [d * h - e * g, b * g - a * h, a * e - b * d]]
    return [[value / det for value in row] for row in rows]


def xyz(x, y):
    return [x / y, 1.0, (1 - x - y) / y]


def colorants(primaries, white):
    """Columns of RGB to XYZ, adapted to D50 by Bradford."""
    columns = [xyz(*primary) for primary in primaries]
    matrix = [[columns[j][i] for j in range(3)] for i in range(3)]
    scale = applied(inverse(matrix), xyz(*white))
    matrix = [[matrix[i][j] * scale[j] for j in range(3)] for i in range(3)]
    bradford = [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
    before, after = applied(bradford, xyz(*white)), applied(bradford, D50)
    ratio = [[after[i] / before[i] if i == j else 0 for j in range(3)] for i in range(3)]
    return product(product(inverse(bradford), product(ratio, bradford)), matrix)


def fixed(value):
    return struct.pack(">i", round(value * 65536))


def xyz_tag(values):
    return b"XYZ \0\0\0\0" + b"".join(map(fixed, values))


def gamma_tag(gamma):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"


def srgb_curve_tag():
    numbers = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    return b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + b"".join(map(fixed, numbers))


def desc_tag(name):
    text = name.encode() + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78 + -len(text) % 4)


def mluc_tag(name):
    text = name.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II4sII", 1, 12, b"enUS", len(text), 28) + text


def lut_tag(inputs, grid, lab_of):
    """mft2: straight curves around a grid of Lab, encoded as version 2 does."""
    unit = b"".join(fixed(i == j) for i in range(3) for j in range(3))
    head = b"mft2\0\0\0\0" + bytes([inputs, 3, grid, 0]) + unit + struct.pack(">HH", 2, 2)
    cells = bytearray()
    for index in range(grid ** inputs):
        steps = [index // grid ** (inputs - 1 - i) % grid / (grid - 1) for i in range(inputs)]
        light, a, b = lab_of(*steps)
        for number in (light * 652.8, (a + 128) * 256, (b + 128) * 256):
            cells += struct.pack(">H", min(max(round(number), 0), 65535))
    straight = struct.pack(">HH", 0, 65535)
    return head + straight * inputs + bytes(cells) + straight * 3


def lab(values):
    def root(t):
        return t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116

    x, y, z = (root(value / white) for value, white in zip(values, D50))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def profile(version, kind, space, pcs, tags):
    place = 128 + 4 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for name, tag in tags:
        tag += bytes(-len(tag) % 4)
        table += struct.pack(">4sII", name, place + len(data), len(tag))
        data += tag
    header = struct.pack(">I4sI4s4s4s", place + len(data), b"\0\0\0\0", version << 24, kind, space, pcs)
    header += struct.pack(">6H", 2024, 6, 1, 0, 0, 0) + b"acsp" + bytes(24)
    header += struct.pack(">I", 0) + b"".join(map(fixed, D50))
    return header.ljust(128, b"\0") + table + data


def rgb_profile(name, version, primaries, white, curve):
    matrix = colorants(primaries, white)
    described = mluc_tag(name) if version == 4 else desc_tag(name)
    tags = [(b"desc", described), (b"wtpt", xyz_tag(D50))]
    tags += [(n, xyz_tag([row[i] for row in matrix])) for i, n in enumerate([b"rXYZ", b"gXYZ", b"bXYZ"])]
    tags += [(n, curve) for n in (b"rTRC", b"gTRC", b"bTRC")]
    return profile(version, b"mntr", b"RGB ", b"XYZ ", tags)


def inks(*amounts):
    """XYZ of four inks on paper, none of them quite black."""
    passed = [(0.10, 0.20, 0.70), (0.35, 0.16, 0.22), (0.75, 0.80, 0.09), (0.03, 0.03, 0.03)]
    left = [1.0, 1.0, 1.0]
    for amount, ink in zip(amounts, passed):
        left = [have * (1 - amount ** 0.8 * (1 - part)) for have, part in zip(left, ink)]
    return lab([white * (0.012 + 0.988 * part) for white, part in zip(D50, left)])


def scanner(red, green, blue):
    """Colours that no matrix and three curves give: a hue that depends on lightness."""
    light = 100 * (0.3 * red + 0.5 * green + 0.2 * blue)
    return light, 60 * (red - green) * (0.4 + 0.006 * light), 50 * (green - blue)


SRGB = [(0.64, 0.33), (0.30, 0.60), (0.15, 0.06)]
P3 = [(0.680, 0.320), (0.265, 0.690), (0.150, 0.060)]
ADOBE = [(0.64, 0.33), (0.21, 0.71), (0.15, 0.06)]
PROPHOTO = [(0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)]
D50_XY = (0.3457, 0.3585)
p3 = rgb_profile("Test P3", 4, P3, D65, srgb_curve_tag())
srgb = rgb_profile("Test sRGB", 4, SRGB, D65, srgb_curve_tag())
adobe = rgb_profile("Test Adobe", 2, ADOBE, D65, gamma_tag(563 / 256))
prophoto = rgb_profile("Test ProPhoto", 2, PROPHOTO, D50_XY, gamma_tag(1.8))
grey = profile(2, b"mntr", b"GRAY", b"XYZ ", [
    (b"desc", desc_tag("Test grey")), (b"wtpt", xyz_tag(D50)), (b"kTRC", gamma_tag(1.8))])
press = profile(2, b"prtr", b"CMYK", b"Lab ", [
    (b"desc", desc_tag("Test press")), (b"wtpt", xyz_tag(D50)), (b"A2B0", lut_tag(4, 7, inks))])
scanned = profile(2, b"scnr", b"RGB ", b"Lab ", [
    (b"desc", desc_tag("Test scanner")), (b"wtpt", xyz_tag(D50)), (b"A2B0", lut_tag(3, 9, scanner))])


def pixels(channels):
    """Cells of 4 x 4 pixels, so that lossy codecs stay close: greys, then all sorts of colours."""
    found = []
    for y in range(HEIGHT):
        for x in range(WIDTH):
            cell = y // 4 * 8 + x // 4
            if cell < 8:
                value = cell * 255 // 7
                pixel = [value, value, value, 0]
            else:
                pixel = [cell * 97 % 256, cell * 53 % 256, cell * 151 % 256, cell * 29 % 256]
            found.append(tuple(pixel[:channels]) if channels > 1 else (y * WIDTH + x) % 256)
    return found


def picture(mode, channels):
    made = Image.new(mode, (WIDTH, HEIGHT))
    made.putdata(pixels(channels))
    return made


colour, ink, one = picture("RGB", 3), picture("CMYK", 4), picture("L", 1)
steps = Image.new("L", (WIDTH, HEIGHT))
steps.putdata([x * 8 for _ in range(HEIGHT) for x in range(WIDTH)])
see_through = colour.copy()
see_through.putalpha(steps)
grey_see_through = one.copy()
grey_see_through.putalpha(steps)


def png(name, color_type, rows, chunks):
    """With 16 bits, and chunks that Pillow does not write."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    depth = 16 if name.endswith("16.png") else 8
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, color_type, 0, 0, 0)
    with open(name, "wb") as out:
        out.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header))
        for kind, body in chunks:
            out.write(chunk(kind, body))
        data = b"".join(b"\0" + row for row in rows)
        out.write(chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b""))


def rows(image, copies):
    data, size = image.tobytes(), len(image.getbands()) * WIDTH
    # Each byte twice: 257 times the number.
    return [bytes(value for value in data[at:at + size] for _ in range(copies))
            for at in range(0, len(data), size)]


def iccp(data):
    return b"iCCP", b"x\0\0" + zlib.compress(data, 9)


def exif_of_adobe_rgb():
    """Not calibrated, and interoperable by R03."""
    def directory(*entries):
        return struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)

    first = 8
    below, rules = first + 18, first + 18 + 30
    return (b"Exif\0\0II\x2a\0" + struct.pack("<I", first)
            + directory(struct.pack("<HHII", 0x8769, 4, 1, below))
            + directory(struct.pack("<HHIHH", 0xA001, 3, 1, 65535, 0), struct.pack("<HHII", 0xA005, 4, 1, rules))
            + directory(struct.pack("<HHI4s", 1, 2, 4, b"R03\0")))


def wanted(name, embedded):
    back = Image.open(name)
    alpha = None
    if back.mode in ("RGBA", "LA"):
        *bands, alpha = back.split()
        back = Image.merge("RGB", bands) if len(bands) == 3 else bands[0]
    if back.mode.startswith("I"):
        back = one
    plain = back.convert("RGB")
    if embedded:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(embedded))
        if opened.profile.xcolor_space.strip() == "RGB":
            back = plain
        made = ImageCms.profileToProfile(back, opened, ImageCms.createProfile("sRGB"), outputMode="RGB")
    else:
        made = plain
    if alpha is not None:
        made.putalpha(alpha)
        made = Image.alpha_composite(Image.new("RGBA", made.size, (128, 128, 128, 255)), made)
    with open(name + ".rgb", "wb") as out:
        out.write(made.convert("RGB").tobytes())


fine = dict(quality=100, subsampling=0)
for name, image, embedded, options in [
    ("p3.jpg", colour, p3, fine),
    ("p3.png", colour, p3, {}),
    ("p3.tif", colour, p3, {}),
    ("p3.webp", colour, p3, dict(lossless=True)),
    ("p3_alpha.png", see_through, p3, {}),
    ("adobe_of_grey.jpg", one, adobe, fine),
    ("srgb.png", colour, srgb, {}),
    ("adobe.jpg", colour, adobe, fine),
    ("prophoto.tif", colour, prophoto, {}),
    ("scanned.png", colour, scanned, {}),
    ("grey.png", one, grey, {}),
    ("grey.jpg", one, grey, fine),
    ("grey_alpha.png", grey_see_through, grey, {}),
    ("cmyk.jpg", ink, press, fine),
    ("cmyk.tif", ink, press, {}),
    ("cmyk_plain.jpg", ink, None, fine),
    ("cmyk_plain.tif", ink, None, {}),
]:
    image.save(name, **options, **(dict(icc_profile=embedded) if embedded else {}))
    wanted(name, embedded)
colour.save("exif_adobe.jpg", **fine, exif=exif_of_adobe_rgb())
wanted("exif_adobe.jpg", adobe)
png("prophoto16.png", 2, rows(colour, 2), [iccp(prophoto)])
wanted("prophoto16.png", prophoto)
png("grey16.png", 0, rows(one, 2), [iccp(grey)])
wanted("grey16.png", grey)
# What cICP says rules over the profile: P3 with sRGB's curve, RGB, full range.
png("cicp.png", 2, rows(colour, 1), [(b"cICP", bytes([12, 13, 0, 1])), iccp(prophoto)])
wanted("cicp.png", p3)

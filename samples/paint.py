#!/usr/bin/env python3
"""Paints the pictures that the sample media are made of, from numbers alone.

    paint.py SCENE WIDTH HEIGHT > picture.ppm

Only the standard library is used, and every scene has a fixed seed, so a scene always gives the
same bytes. The pictures hold nothing that anybody photographed or drew.
"""
import math
import random
import sys


def mix(first, second, share):
    """The colour between two colours; share 0 is the first, 1 the second."""
    return tuple(a + (b - a) * share for a, b in zip(first, second))


def ramp(stops, position):
    """The colour at a position (0 to 1) along evenly spaced stops."""
    place = min(max(position, 0.0), 1.0) * (len(stops) - 1)
    index = min(int(place), len(stops) - 2)
    return mix(stops[index], stops[index + 1], place - index)


def ridge_line(seed, width, octaves, roughness):
    """Heights from -1 to 1 along a mountain ridge, one per pixel column."""
    source = random.Random(seed)
    heights = [0.0] * width
    total, strength, cells = 0.0, 1.0, 3
    for _ in range(octaves):
        knots = [source.uniform(-1, 1) for _ in range(cells + 2)]
        for x in range(width):
            place = x / width * cells
            index = int(place)
            share = place - index
            share = share * share * (3 - 2 * share)
            heights[x] += strength * (knots[index] * (1 - share) + knots[index + 1] * share)
        total += strength
        strength *= roughness
        cells *= 2
    return [height / total for height in heights]


def landscape(width, height, scene):
    """Layers of ridges under a sky with a sun or moon, over still water."""
    source = random.Random(scene["seed"])
    horizon = int(height * scene["horizon"])
    sun_x, sun_y = scene["sun"][0] * width, scene["sun"][1] * height
    sun_radius = scene["sun_radius"] * height
    layers = []
    count = scene["ridges"]
    for index in range(count):
        depth = (index + 1) / count
        base = horizon - height * scene["rise"] * (1 - depth) ** 1.3
        swing = height * (0.05 + 0.07 * depth)
        line = ridge_line(scene["seed"] * 31 + index, width, 7, 0.5)
        layers.append(([min(base - swing * value, horizon) for value in line],
                       mix(scene["far"], scene["near"], depth)))
    stars = {(source.randrange(width), source.randrange(horizon)): source.uniform(40, 190)
             for _ in range(int(width * height * scene.get("stars", 0.0)))}

    columns = []
    for x in range(width):
        column = []
        for y in range(horizon):
            colour, haze = None, 0.0
            for line, layer_colour in reversed(layers):
                if y >= line[x]:
                    colour = layer_colour
                    haze = (y - line[x]) / max(height * 0.22, 1)
                    break
            distance = math.hypot(x - sun_x, y - sun_y) / sun_radius
            if colour is None:
                colour = ramp(scene["sky"], y / horizon)
                if distance < 1:
                    colour = scene["sun_colour"]
                else:
                    glow = math.exp(-(distance - 1) / 2.6) * 0.75
                    colour = mix(colour, scene["sun_colour"], glow)
                if (x, y) in stars and distance > 4:
                    colour = mix(colour, (255, 255, 255), stars[(x, y)] / 255)
            else:
                colour = mix(colour, scene["mist"], min(haze, 1.0) * scene["misty"])
                colour = mix(colour, scene["sun_colour"], math.exp(-distance / 5) * 0.22)
            column.append(colour)
        columns.append(column)

    rows = []
    for y in range(height):
        row = bytearray()
        if y >= horizon:
            depth = (y - horizon) / max(height - horizon, 1)
            ripple = math.sin(y * 0.9 + 9 * math.sqrt(depth + 0.01) * 7) * (1 + 9 * depth)
            mirror = min(int((y - horizon) * 1.15), horizon - 1)
        for x in range(width):
            if y < horizon:
                colour = columns[x][y]
            else:
                drift = ripple * math.sin(x * 0.012 + y * 0.21) * (1 + 3 * depth)
                from_x = min(max(int(x + drift), 0), width - 1)
                colour = columns[from_x][horizon - 1 - mirror]
                colour = mix(colour, scene["water"], 0.30 + 0.45 * depth)
                spread = (x - sun_x) / (sun_radius * (1.2 + 5 * depth))
                sparkle = math.exp(-spread * spread) * max(0.0, math.sin(y * 1.7 + x * 0.05 + drift))
                colour = mix(colour, scene["sun_colour"], sparkle * 0.5 * (1 - 0.6 * depth))
            grain = source.uniform(-1.3, 1.3)
            row += bytes(min(max(int(value + grain + 0.5), 0), 255) for value in colour)
        rows.append(bytes(row))
    return b"".join(rows)


def ink(width, height, scene):
    """Marbled ink: waves bent by waves, coloured along a ramp, in flat bands if asked."""
    rows = []
    bands = scene.get("bands")
    for y in range(height):
        row = bytearray()
        for x in range(width):
            u, v = x / height * scene["scale"], y / height * scene["scale"]
            for step in range(1, 5):
                turn = scene["seed"] + step * 1.7
                u, v = (u + math.sin(v * 1.3 * step**0.5 + turn) / step**0.6,
                        v + math.cos(u * 1.1 * step**0.5 + turn * 1.3) / step**0.6)
            value = 0.5 + 0.5 * math.sin(u * 1.4 + math.cos(v * 1.9))
            if bands:
                value = round(value * bands) / bands
            row += bytes(int(part + 0.5) for part in ramp(scene["colours"], value))
        rows.append(bytes(row))
    return b"".join(rows)


SCENES = {
    "dawn": (landscape, dict(
        seed=11, horizon=0.66, ridges=6, rise=0.33, sun=(0.66, 0.34), sun_radius=0.045,
        sky=[(58, 74, 122), (134, 118, 160), (232, 160, 140), (255, 206, 150)],
        sun_colour=(255, 240, 208), far=(172, 140, 164), near=(24, 30, 58),
        mist=(244, 190, 164), misty=0.55, water=(36, 48, 92))),
    "dusk": (landscape, dict(
        seed=23, horizon=0.60, ridges=5, rise=0.26, sun=(0.30, 0.44), sun_radius=0.06,
        sky=[(30, 24, 66), (112, 40, 98), (218, 84, 84), (255, 170, 92)],
        sun_colour=(255, 214, 140), far=(150, 62, 96), near=(22, 12, 34),
        mist=(238, 120, 92), misty=0.45, water=(34, 14, 48))),
    "night": (landscape, dict(
        seed=37, horizon=0.70, ridges=4, rise=0.24, sun=(0.58, 0.24), sun_radius=0.05,
        sky=[(6, 10, 28), (14, 30, 62), (30, 66, 102), (66, 122, 140)],
        sun_colour=(232, 240, 236), far=(34, 70, 96), near=(4, 8, 18),
        mist=(70, 128, 142), misty=0.5, water=(6, 16, 34), stars=0.0007)),
    "morning": (landscape, dict(
        seed=53, horizon=0.62, ridges=6, rise=0.30, sun=(0.24, 0.20), sun_radius=0.04,
        sky=[(64, 132, 186), (128, 182, 208), (198, 220, 216), (246, 236, 206)],
        sun_colour=(255, 252, 232), far=(150, 186, 190), near=(18, 54, 52),
        mist=(232, 236, 214), misty=0.6, water=(20, 74, 92))),
    "ink": (ink, dict(
        seed=0.4, scale=4.2,
        colours=[(10, 20, 46), (22, 86, 120), (96, 190, 178), (250, 232, 190), (240, 130, 84),
                 (126, 28, 62)])),
    "contours": (ink, dict(
        seed=2.9, scale=3.0, bands=12,
        colours=[(246, 240, 228), (240, 178, 120), (206, 82, 84), (92, 36, 92), (22, 20, 52)])),
}


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in SCENES:
        sys.exit(f"usage: paint.py {'|'.join(SCENES)} WIDTH HEIGHT > picture.ppm")
    painter, scene = SCENES[sys.argv[1]]
    width, height = int(sys.argv[2]), int(sys.argv[3])
    sys.stdout.buffer.write(b"P6\n%d %d\n255\n" % (width, height))
    sys.stdout.buffer.write(painter(width, height, scene))


if __name__ == "__main__":
    main()

"""Text set by HarfBuzz, its outlines scaled by FreeType and filled by Skia."""
from pathlib import Path

import numpy as np
import skia
import uharfbuzz as hb

from cases import LUMA, full, like, small

FONT = Path(__file__).parents[3] / "fonts" / "DejaVuSans.ttf"
EM, ASCENT, LINE = 2048, 1901, 1901 + 483
FACE = hb.Face(hb.Blob.from_file_path(str(FONT)))
TYPEFACE = skia.Typeface.MakeFromFile(str(FONT))
FINE = 16


def line_path(text, size):
    """The outline of one line from the left end of its baseline, and its width."""
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    hb.shape(hb.Font(FACE), buffer)
    font = skia.Font(TYPEFACE, EM)
    font.setHinting(skia.FontHinting.kNone)
    path, x = skia.Path(), 0
    for info, place in zip(buffer.glyph_infos, buffer.glyph_positions):
        glyph = font.getPath(info.codepoint)
        glyph.offset(x + place.x_offset, -place.y_offset)
        path.addPath(glyph)
        x += place.x_advance
    path.transform(skia.Matrix.Scale(size / EM, size / EM))
    return path, x * size / EM


def outlines(parameters, width, height):
    """All lines in the frame, and the box around them."""
    size, padding = parameters["size_px"], parameters.get("padding_px", 0)
    lines = [line_path(line, size) for line in parameters["text"].split("\n")]
    widest, high = max(width for _, width in lines), len(lines) * size * LINE / EM
    anchor, away = parameters.get("anchor", "top_left"), parameters.get("margin_px", 0) + padding
    across = 0 if "left" in anchor else 1 if "right" in anchor else 0.5
    down = 0 if "top" in anchor else 1 if "bottom" in anchor else 0.5
    left = across * (width - widest) + (1 - 2 * across) * away + parameters.get("x_px", 0)
    top = down * (height - high) + (1 - 2 * down) * away + parameters.get("y_px", 0)
    path = skia.Path()
    for row, (line, wide) in enumerate(lines):
        line.offset(left + across * (widest - wide), top + (row * LINE + ASCENT) * size / EM)
        path.addPath(line)
    box = skia.Path()
    box.addRect(skia.Rect(left - padding, top - padding, left + widest + padding, top + high + padding))
    return path, box


def coverage(path, width, height, line=0, style=skia.Paint.kStrokeAndFill_Style):
    """How much of each pixel is covered, as the mean of FINE x FINE pixels."""
    surface = skia.Surface.MakeRaster(skia.ImageInfo.MakeA8(FINE * width, FINE * height))
    canvas = surface.getCanvas()
    canvas.scale(FINE, FINE)
    paint = skia.Paint(AntiAlias=True)
    if line:
        paint.setStyle(style)
        paint.setStrokeWidth(2 * line)
        paint.setStrokeJoin(skia.Paint.kRound_Join)
        paint.setStrokeCap(skia.Paint.kRound_Cap)
    canvas.drawPath(path, paint)
    fine = np.zeros((FINE * height, FINE * width), np.uint8)
    assert surface.readPixels(skia.ImageInfo.MakeA8(FINE * width, FINE * height), fine, FINE * width)
    return fine.reshape(height, FINE, width, FINE).mean(axis=(1, 3)) / 255


def over(shares, alpha, color):
    """Source-over as the W3C writes it."""
    alpha = (alpha * color[3])[..., None]
    under = shares[..., 3:] * (1 - alpha)
    together = alpha + under
    done = alpha * np.array(color[:3]) + under * shares[..., :3]
    done = np.divide(done, together, out=shares[..., :3].copy(), where=together > 0)
    return np.dstack([done, together])


def written(parameters):
    black = [0, 0, 0, 1]

    def onto(array):
        height, width = array.shape[:2]
        gray = array.ndim == 2
        shares = array / np.float64(full(array))
        if gray:
            shares = np.dstack([shares] * 3)
        if shares.shape[2] == 3:
            shares = np.dstack([shares, np.ones(shares.shape[:2])])
        shares[..., 3] = np.clip(shares[..., 3], 0, 1)

        def ink(name, otherwise):
            red, green, blue, alpha = parameters.get(name, otherwise)
            luma = float(np.dot(LUMA, [red, green, blue]))
            return [luma, luma, luma, alpha] if gray else [red, green, blue, alpha]

        path, box = outlines(parameters, width, height)
        line = parameters.get("outline_px", 0)
        if "background" in parameters:
            shares = over(shares, coverage(box, width, height), ink("background", black))
        if "shadow_px" in parameters:
            shadow = skia.Path(path)
            shadow.offset(*parameters["shadow_px"])
            shares = over(shares, coverage(shadow, width, height, line), ink("shadow_color", black))
        if line:
            edge = coverage(path, width, height, line, skia.Paint.kStroke_Style)
            shares = over(shares, edge, ink("outline_color", black))
        shares = over(shares, coverage(path, width, height), ink("color", [1, 1, 1, 1]))
        done = shares * full(array)
        return like(done[..., 0] if gray else done[..., :array.shape[2]], array)
    return onto


def write(writer):
    cases = [
        ({"text": "Ag", "size_px": 12.0, "x_px": 1.5, "y_px": -2.25}, lambda n: True),
        ({"text": "fi\nV", "anchor": "center", "size_px": 9.0, "color": [1.0, 0.2, 0.1, 0.8],
          "background": [0.0, 0.1, 0.6, 0.5], "padding_px": 1.25}, lambda n: True),
        ({"text": "e\u0301V", "anchor": "bottom_right", "size_px": 14.0, "margin_px": 1.0,
          "outline_px": 1.5, "outline_color": [0.1, 0.0, 0.9, 1.0], "shadow_px": [2.0, -1.0],
          "shadow_color": [0.0, 0.0, 0.0, 0.5]}, lambda n: not small(n)),
        ({"text": "Wj", "anchor": "right", "size_px": 11.0, "shadow_px": [-1.5, 2.0],
          "shadow_color": [0.3, 0.0, 0.0, 0.7]}, lambda n: True),
        ({"text": "\u0633\u0644\u0627\u0645", "anchor": "top", "size_px": 11.0}, lambda n: not small(n)),
        ({"text": "\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd", "anchor": "left", "size_px": 10.0,
          "color": [0.0, 0.0, 0.0, 1.0], "outline_px": 0.5, "outline_color": [1.0, 1.0, 0.0, 1.0]},
         lambda n: True),
    ]
    for parameters, only in cases:
        # Lines around letters have another tolerance: tests/text.rs.
        name = "outline" if "outline_px" in parameters else "text"
        writer.add(name, parameters, "HarfBuzz, FreeType, Skia", written(parameters), only)

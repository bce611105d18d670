"""Inputs, and how cases are written.

A .golden file is one case after the other: four bytes, little-endian, with the
length of a JSON text; that text; then the numbers, little-endian.
"""
import json
import struct

import numpy as np

DEPTHS = {"u8": np.uint8, "u16": np.uint16, "f32": np.float32}
FULL = {"u8": 255.0, "u16": 65535.0, "f32": 1.0}
LUMA = np.array([0.2126, 0.7152, 0.0722])
CHANNELS = {"gray": 1, "rgb": 3, "rgba": 4}


def depth_of(array):
    return next(name for name, kind in DEPTHS.items() if array.dtype == kind)


def full(array):
    return FULL[depth_of(array)]


def make_inputs():
    rng = np.random.default_rng(20240601)
    found = {}
    sizes = {"small": (7, 5), "one": (1, 1), "large": (23, 17)}
    for size, (width, height) in sizes.items():
        for depth, kind in DEPTHS.items():
            for layout, channels in CHANNELS.items():
                if size == "large" and (layout == "rgba" or (layout == "rgb" and depth == "u16")):
                    continue
                y, x, c = np.indices((height, width, channels)).astype(np.float64)
                ramp = (x * 3 + y * 5 + c * 11) / (3 * width + 5 * height + 33)
                share = 0.15 + 0.7 * ramp + 0.25 * rng.standard_normal(ramp.shape)
                if depth == "f32":
                    share = np.clip(share, -0.25, 1.25)
                else:
                    share = np.clip(share, 0, 1)
                if layout == "rgba":
                    share[..., 3] = np.clip(rng.uniform(-0.2, 1.2, (height, width)), 0, 1)
                    if size == "small":
                        share[2, 3, 3] = 0
                numbers = share * FULL[depth]
                array = (np.rint(numbers) if depth != "f32" else numbers).astype(kind)
                found[f"{size}-{layout}-{depth}"] = array if channels > 1 else array[..., 0]
    for layout in CHANNELS:
        found[f"unit-{layout}-f32"] = np.clip(found[f"small-{layout}-f32"], 0, 1)
    return found


INPUTS = make_inputs()


def like(result, array):
    """In the depth of the array: rounded half to even, saturated."""
    result = np.asarray(result)
    if array.dtype == np.float32 or result.dtype == array.dtype:
        return result.astype(array.dtype)
    return np.clip(np.rint(result), 0, full(array)).astype(array.dtype)


def colors(function):
    """Over colours only; opacity is kept."""
    def over(array, *others):
        if array.ndim == 2 or array.shape[2] < 4:
            return like(function(array, *others), array)
        done = like(function(np.ascontiguousarray(array[..., :3]), *others), array)
        return np.dstack([done, array[..., 3]])
    return over


def premultiplied(function, rounded=True):
    """In floats, colours multiplied by opacity on the way."""
    def over(array):
        if array.ndim == 2 or array.shape[2] < 4:
            return like(function(array.astype(np.float32)), array)
        numbers = array.astype(np.float64)
        numbers[..., :3] *= numbers[..., 3:] / full(array)
        done = function(numbers.astype(np.float32)).astype(np.float64)
        alpha = done[..., 3:]
        with np.errstate(divide="ignore", invalid="ignore"):
            done[..., :3] = np.where(alpha <= 0, 0, done[..., :3] * full(array) / alpha)
        done[..., 3] = np.clip(done[..., 3], 0, full(array))
        return like(done, array) if rounded else done
    return over


def each_channel(function):
    """Channel by channel, for libraries that know one only."""
    def over(array):
        if array.ndim == 2:
            return function(array)
        return np.dstack([function(np.ascontiguousarray(array[..., c])) for c in range(array.shape[2])])
    return over


class Writer:
    def __init__(self):
        self.cases = {}
        self.bytes = 0

    def add(self, operation, parameters, oracle, function, only=lambda name: True, other=None):
        """A case for each input that `only` lets through."""
        for name, array in INPUTS.items():
            if not only(name):
                continue
            inputs = [name] + ([other(name)] if other else [])
            result = function(*(INPUTS[one].copy() for one in inputs))
            self.write(operation, {"parameters": parameters, "oracle": oracle, "inputs": inputs}, result)

    def write(self, operation, header, array):
        array = np.ascontiguousarray(array)
        assert array.dtype in DEPTHS.values(), (operation, array.dtype)
        layout = {2: "gray"}.get(array.ndim) or {3: "rgb", 4: "rgba"}[array.shape[2]]
        header |= {"width": array.shape[1], "height": array.shape[0],
                   "layout": layout, "depth": depth_of(array)}
        text = json.dumps(header, separators=(",", ":")).encode()
        raw = array.astype(array.dtype.newbyteorder("<")).tobytes()
        self.cases.setdefault(operation, []).append(struct.pack("<I", len(text)) + text + raw)

    def save(self):
        for name, array in INPUTS.items():
            self.write("inputs", {"name": name}, array)
        for operation, cases in self.cases.items():
            with open(f"{operation}.golden", "wb") as file:
                file.write(b"".join(cases))


def small(name):
    return name.startswith(("small", "one"))

#!/usr/bin/env python3
"""Makes plot.json beside it: what NumPy counts, and what SciPy finds in sound.

Needs: pip install -r frame/requirements.txt
Run it in this folder; it writes the same bytes each time.
"""
import json

import numpy as np
from scipy.signal import ShortTimeFFT, get_window


def written(numbers):
    """As text, which every reader takes for the same doubles."""
    return " ".join(repr(float(number)) for number in numbers)


rng = np.random.default_rng(20240603)
VALUES = {
    "normal": np.round(rng.standard_normal(300), 3),
    # Most of these lie on edges, which rounding must not move.
    "tenths": np.round(np.arange(0, 101) / 10, 1),
    "one": np.full(5, 2.5),
    "thirds": np.arange(-30, 31) / 3,
}
histograms = []
for name, values in VALUES.items():
    for bins, limits in [(10, None), (7, None), (30, None), (100, None), (16, (-1.5, 2.0))]:
        found, edges = np.histogram(values, bins=bins, range=limits)
        histograms.append({"name": name, "values": written(values), "bins": bins, "range": written(limits or []),
                           "counts": written(found), "edges": written(edges)})

RATE, WINDOW, HOP = 8000, 256, 100
n = np.arange(1000)
sound = (0.5 * np.sin(2 * np.pi * 1000 * n / RATE) + 0.25 * np.cos(2 * np.pi * 2345.678 * n / RATE)
         + 0.125).astype(np.float32)
window = get_window("hann", WINDOW)
transform = ShortTimeFFT(window, HOP, RATE, fft_mode="onesided", scale_to="magnitude", phase_shift=None)
spectra = []
for start in range(0, len(sound) - WINDOW + 1, HOP):
    # The slice whose window lies in these samples and no others.
    part = sound[start:start + WINDOW].astype(np.float64)
    column = transform.stft(part, p0=0, p1=2, k_offset=WINDOW // 2)[:, 0]
    amplitudes = np.abs(column)
    amplitudes[1:-1] *= 2
    spectra.append(written(np.round(amplitudes, 9)))

with open("plot.json", "w", encoding="utf-8") as file:
    json.dump({"histograms": histograms, "sound": written(sound), "window": WINDOW,
               "hop": HOP, "rate": RATE, "spectra": spectra}, file, separators=(",", ":"))
    file.write("\n")

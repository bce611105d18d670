"""FFmpeg's w3fdif, run on raw video that is made here."""
import subprocess

import numpy as np

WIDTH, HEIGHT, FRAMES = 22, 13, 4


def moving(channels):
    """Fields of a pattern that moves, woven into frames, and noise: [T, H, W, C] u8."""
    rng = np.random.default_rng(20240602)
    t, y, x, c = np.indices((FRAMES, HEIGHT, WIDTH, channels)).astype(np.float64)
    moment = 2 * t + y % 2
    wave = 128 + 90 * np.sin(x / 3 + moment + c) * np.cos(y / 2 - moment / 2)
    edge = 60 * ((x + 3 * moment) % 11 > 5)
    noise = rng.integers(-20, 20, wave.shape)
    return np.clip(wave + edge + noise - 30, 0, 255).astype(np.uint8)


def by_ffmpeg(frames, order, chosen):
    """What w3fdif makes of frames, both fields of each."""
    colours = frames.shape[3] == 3
    # gbrp has whole planes, green first.
    planes = frames[..., [1, 2, 0]].transpose(0, 3, 1, 2) if colours else frames[..., 0]
    like = ["-f", "rawvideo", "-pix_fmt", "gbrp" if colours else "gray"]
    how = f"w3fdif=filter={chosen}:mode=field:parity={order}:deint=all"
    command = ["ffmpeg", "-v", "error", *like, "-s", f"{WIDTH}x{HEIGHT}", "-r", "25", "-i", "-",
               "-vf", how, *like, "-fps_mode", "passthrough", "-"]
    raw = subprocess.run(command, input=planes.tobytes(), stdout=subprocess.PIPE, check=True).stdout
    made = np.frombuffer(raw, np.uint8)
    if not colours:
        return made.reshape(-1, HEIGHT, WIDTH)
    return made.reshape(-1, 3, HEIGHT, WIDTH).transpose(0, 2, 3, 1)[..., [2, 0, 1]]


def write(writer):
    for channels in [1, 3]:
        frames = moving(channels)
        for frame in frames:
            writer.write("deinterlace", {"role": "input"}, frame if channels == 3 else frame[..., 0])
        for order in ["tff", "bff"]:
            for chosen in ["simple", "complex"]:
                made = by_ffmpeg(frames, order, chosen)
                assert len(made) == 2 * FRAMES, len(made)
                for frame in made:
                    header = {"role": "made", "order": order, "filter": chosen}
                    writer.write("deinterlace", header, frame)

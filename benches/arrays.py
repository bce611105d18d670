#!/usr/bin/env python3
"""Rushes from Python as a contender in the tasks that media libraries are compared by.

    arrays.py sequence FILE            decodes every frame of a video to packed RGB24
    arrays.py random FILE COUNT        COUNT frames of an 1800-frame clip, one by one
    arrays.py together FILE COUNT      the same frames, asked for at once
    arrays.py exact FILE               frames of a clip that carry their number as a barcode
    arrays.py resize FILE              a picture of 4000x3000 to 800x600, Lanczos
    arrays.py jpeg FILE                decodes a JPEG of 12 MP that lies in memory
    arrays.py encode FILE              encodes it again, quality 90
    arrays.py thumbnails FOLDER OUT    100 JPEGs to at most 256 px, upright, two threads
    arrays.py sound FILE               decodes all of a sound to float32
    arrays.py resample FILE            the same at 44.1 kHz

Prints one line, `@@` and JSON: seconds of wall clock and of processor, and what was checked. What is
checked comes from the modules of the tasks, in the folder that PEERS names; arrays.json lists the
commands as those modules take them (PEERS_CONTENDERS). Each run has an empty home, so that no index
is kept from the one before.
"""
import os
import random
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor


def see_all(path):
    from a_decode_seq import Timer, emit, truth
    import numpy
    import rushes

    true = truth()
    wanted = {int(name) for name in true.files if name != "n"}
    kept, count = {}, 0
    with Timer() as timer:
        for frame in rushes.open(path):
            if count in wanted:
                kept[count] = frame
            count += 1
    error = [numpy.abs(kept[i].astype(int) - true[str(i)].astype(int)).mean() for i in wanted]
    emit(timer, units=count, frames=count, expected=int(true["n"]),
         mae709=round(float(numpy.mean(error)), 3))


def at_random(path, count, together=False):
    import b_random_access as task
    import numpy
    import rushes

    signatures = numpy.load(f"{task.T}/sig_{os.path.basename(path)}.npz")["s"]
    wanted = random.Random(7).sample(range(len(signatures)), min(int(count), len(signatures)))
    with task.Timer() as opening:
        video = rushes.open(path)
    with task.Timer() as timer:
        frames = video[wanted] if together else map(video.__getitem__, wanted)
        found = [task.sig(frame) for frame in frames]
    exact = ambiguous = 0
    for i, signature in zip(wanted, found):
        place, is_ambiguous = task.which(signatures, signature, i)
        exact += place == i
        ambiguous += is_ambiguous
    task.emit(timer, units=len(wanted), exact=f"{exact}/{len(wanted)}", ambiguous=ambiguous,
              open_s=round(opening.wall, 3), len_reported=len(video), len_true=len(signatures))


def exactly(path):
    import b2_exactness as task
    import rushes

    true = task.truth(path)
    video = rushes.open(path, upright=False)
    wanted = random.Random(7).sample(range(len(true)), 40)
    first = task.code(rushes.open(path, upright=False)[1])[0] == true[1]
    with task.Timer() as timer:
        found = [task.code(video[i])[0] for i in wanted]
    exact = sum(code == true[i] for i, code in zip(wanted, found))
    task.emit(timer, exact=f"{exact}/40", first_fresh_frame1=first,
              last=task.code(video[-1])[0] == true[-1], len_reported=len(video), len_true=len(true))


def mean_of(times, work):
    """The work's last result, and a timer of its mean; once before, not timed."""
    from common import Timer

    work()
    with Timer() as timer:
        for _ in range(times):
            result = work()
    timer.wall /= times
    timer.cpu /= times
    return result, timer


def scaled(path):
    import d_images as task
    import numpy
    from PIL import Image
    from rushes import ops

    picture = numpy.array(Image.open(path))
    small, timer = mean_of(10, lambda: ops.resize(picture, width_px=800, height_px=600, filter="lanczos3"))
    task.emit(timer, units=1, psnr_true_lanczos3=task.psnr(small, numpy.load(f"{task.T}/d_truth.npy")))


def decoded(path):
    import d_images as task
    import numpy
    import rushes
    from PIL import Image

    with open(path, "rb") as file:
        data = file.read()
    pixels, timer = mean_of(5, lambda: rushes.imread(data))
    task.emit(timer, units=1, psnr_vs_libjpeg=task.psnr(pixels, numpy.array(Image.open(path))))


def encoded(path):
    import d_images as task
    import numpy
    import rushes
    from PIL import Image

    pixels = numpy.array(Image.open(path))
    out = os.path.join(os.environ["RUSHES_HOME"], "out.jpg")
    _, timer = mean_of(5, lambda: rushes.imwrite(out, pixels, quality=90))
    again = numpy.asarray(Image.open(out).convert("RGB"))
    task.emit(timer, units=1, kB=os.path.getsize(out) // 1024, psnr=task.psnr(again, pixels))


def thumbnails(folder, out):
    import d_images as task
    import rushes

    task.shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)

    def make(name):
        small = rushes.imread(os.path.join(folder, name), fit_px=256)
        rushes.imwrite(os.path.join(out, name), small[..., :3] if small.ndim > 2 else small, quality=75)

    with task.Timer() as timer, ThreadPoolExecutor(2) as pool:
        list(pool.map(make, sorted(os.listdir(folder))))
    task.emit(timer, units=100)


def sound(path):
    import e_audio as task
    import numpy
    import rushes

    with task.Timer() as timer:
        samples, rate_hz = rushes.aread(path)
    true = task.load("ffmpeg_cli_pipe", path)
    count = min(len(samples), len(true), 20 * rate_hz)
    difference = max(float(((samples[:count] - true[:count]) ** 2).mean() ** 0.5), 1e-9)
    task.emit(timer, units=len(samples) / rate_hz, samples=len(samples), ref_samples=len(true),
              rms_diff_db=round(20 * float(numpy.log10(difference)), 1))


def resampled(path):
    import e_audio as task
    import numpy
    import rushes

    samples, timer = mean_of(1, lambda: rushes.aread(path, rate=44_100)[0])
    tone = 0.4 * numpy.sin(2 * numpy.pi * 23_500 * numpy.arange(4 * 48_000) / 48_000)
    file = os.path.join(os.environ["RUSHES_HOME"], "tone.wav")
    rushes.awrite(file, tone.astype("f4"), 48_000, codec="pcm_f32le")
    alias = rushes.aread(file, rate=44_100)[0].astype(float).ravel()[8000:-8000].std()
    task.emit(timer, units=300, samples=len(samples),
              alias_23k5_db=round(20 * float(numpy.log10(max(alias, 1e-9) / (0.4 / 2**0.5))), 1))


MODES = {
    "sequence": see_all,
    "random": at_random,
    "together": lambda path, count: at_random(path, count, together=True),
    "exact": exactly,
    "resize": scaled,
    "jpeg": decoded,
    "encode": encoded,
    "thumbnails": thumbnails,
    "sound": sound,
    "resample": resampled,
}


def main():
    mode, *rest = sys.argv[1:]
    sys.argv[1:] = []
    if mode not in MODES:
        sys.exit(f"arrays.py: no mode '{mode}'\n{__doc__}")
    sys.path.insert(0, os.environ["PEERS"])
    with tempfile.TemporaryDirectory() as home:
        os.environ["RUSHES_HOME"] = home
        MODES[mode](*rest)


if __name__ == "__main__":
    main()

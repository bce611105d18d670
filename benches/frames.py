#!/usr/bin/env python3
"""Rushes from Python as a contender in tasks that take frames out of videos.

    frames.py sequence FILE          decodes every frame to packed RGB24
    frames.py random FILE COUNT      COUNT frames of an 1800-frame clip, one by one
    frames.py exact FILE             frames of a clip that carry their number as a barcode

Prints one line, `@@` and JSON: seconds of wall clock and of processor, and what was checked. What is
checked comes from the modules of the tasks, in the folder that PEERS names; frames.json lists the
commands as those modules take them (PEERS_CONTENDERS). Each run has an empty home, so that no index
is kept from the one before.
"""
import os
import random
import sys
import tempfile


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


def at_random(path, count):
    import b_random_access as task
    import numpy
    import rushes

    signatures = numpy.load(f"{task.T}/sig_{os.path.basename(path)}.npz")["s"]
    wanted = random.Random(7).sample(range(len(signatures)), min(count, len(signatures)))
    with task.Timer() as opening:
        video = rushes.open(path)
    found = []
    with task.Timer() as timer:
        for i in wanted:
            found.append(task.sig(video[i]))
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


def main():
    mode, path, *rest = sys.argv[1:]
    sys.argv[1:] = []
    sys.path.insert(0, os.environ["PEERS"])
    with tempfile.TemporaryDirectory() as home:
        os.environ["RUSHES_HOME"] = home
        if mode == "sequence":
            see_all(path)
        elif mode == "random":
            at_random(path, int(rest[0]))
        elif mode == "exact":
            exactly(path)
        else:
            sys.exit(f"frames.py: no mode '{mode}'\n{__doc__}")


if __name__ == "__main__":
    main()

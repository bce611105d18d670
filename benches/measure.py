"""Runs contenders in interleaved rounds and says how long each took, beside a reference."""
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time


class Failed(Exception):
    """A contender did not do what it was measured for."""


def fill(argv, values, media):
    """An argv template with its names put in."""
    filled = []
    for word in argv:
        if word == "@media":
            filled.extend(media)
        else:
            filled.append(word.format(**values))
    return filled


def remove(path):
    """Removes a file or a folder, if it is there."""
    if os.path.isdir(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.remove(path)


def dig(document, path):
    """The value at a dotted path in a JSON document."""
    for name in path.split("."):
        if not isinstance(document, dict) or name not in document:
            raise Failed(f"its JSON has no '{path}'")
        document = document[name]
    return document


def own_times(contender, output_path):
    """The steps that the program timed itself: title to seconds."""
    if not contender.steps:
        return {}
    with open(output_path, "rb") as file:
        document = json.load(file)
    return {title: sum(float(dig(document, path)) for path in paths)
            for title, paths in contender.steps}


def count(contender, output_path, values):
    """How many items a run did, read from what it printed."""
    how = contender.counted_by
    if how == "output_files":
        return sum(len(names) for _, _, names in os.walk(values["out"]))
    with open(output_path, "rb") as file:
        if how in ("lines", "json_lines"):
            return sum(1 for _ in file)
        text = file.read()
    if how == "last_number":
        return int(text.split()[-1])
    document = json.loads(text)
    if how == "media_tracks":
        documents = document if isinstance(document, list) else [document]
        return sum(1 for one in documents if len((one.get("media") or {}).get("track", [])) > 1)
    found = dig(document, how.partition(":")[2])
    return len(found) if isinstance(found, list) else int(found)


def run_once(contender, values, media):
    """One run: wall and processor seconds, the most memory held, and the items done."""
    for path in contender.fresh:
        remove(path.format(**values))
    environment = {**os.environ, **contender.env}
    if contender.before:
        subprocess.run(fill(contender.before, values, media), env=environment, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    argv = fill(contender.argv, values, media)
    with tempfile.NamedTemporaryFile() as output, tempfile.NamedTemporaryFile() as errors:
        started = time.perf_counter()
        process = subprocess.Popen(argv, env=environment, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        wall_secs = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in contender.exit_codes:
            errors.seek(0)
            raise Failed(f"exit code {process.returncode}: "
                         f"{errors.read()[-400:].decode(errors='replace').strip()}")
        return {"wall_secs": wall_secs, "cpu_secs": usage.ru_utime + usage.ru_stime,
                "peak_bytes": usage.ru_maxrss * 1024,
                "items": count(contender, output.name, values),
                "steps": own_times(contender, output.name)}


def compare(name, row, runs, base):
    """The row with its name, and its ratio to the reference's runs of the same rounds."""
    row["name"] = name
    if base:
        row["ratio"] = row["wall_secs"] / statistics.median(run["wall_secs"] for run in base)
        within = [run["wall_secs"] / other["wall_secs"] for run, other in zip(runs, base)]
        row["ratio_least"], row["ratio_most"] = min(within), max(within)
    return row


def race(title, contenders, reference, values, media, rounds, expected_items=None):
    """Runs all contenders `rounds` times, each round in another order, after one warm-up each.

    The answer holds one row per contender: medians, the ratio of its wall time to the reference's
    (from the medians), and the span of the ratios seen within single rounds.
    """
    print(f"\n{title}")
    alive, runs, failures = [], {}, {}
    for contender in contenders:
        try:
            first = run_once(contender, values, media)
            if expected_items is not None and first["items"] != expected_items:
                raise Failed(f"did {first['items']} items, not {expected_items}")
            alive.append(contender)
            runs[contender.name] = []
        except (Failed, OSError, ValueError, IndexError, subprocess.CalledProcessError) as error:
            failures[contender.name] = str(error)
            print(f"  {contender.name}: NOT MEASURED: {error}")
    for index in range(rounds):
        turn = index % max(len(alive), 1)
        for contender in alive[turn:] + alive[:turn]:
            runs[contender.name].append(run_once(contender, values, media))
        print(f"  round {index + 1} of {rounds}", flush=True)
    rows = []
    base = runs.get(reference)
    for contender in contenders:
        if contender.name in failures:
            rows.append({"name": contender.name, "failure": failures[contender.name]})
            continue
        mine = runs[contender.name]
        row = {key: statistics.median(run[key] for run in mine)
               for key in ("wall_secs", "cpu_secs", "peak_bytes", "items")}
        rows.append(compare(contender.name, row, mine, base))
        for step in mine[0]["steps"]:
            parts = [{"wall_secs": run["steps"][step]} for run in mine]
            part = {"wall_secs": statistics.median(run["wall_secs"] for run in parts),
                    "items": row["items"]}
            rows.append(compare(step, part, parts, base))
    return {"title": title, "reference": reference, "rounds": rounds, "rows": rows}

#!/usr/bin/env python3
"""Measures Rushes against other programs on this machine, in one run: see `make bench`.

Everything is a ratio to a reference that ran in the same rounds, because seconds of one machine
say little about another's. The table goes to benches/RESULTS.md, the figures are added as one line
to benches/history.jsonl.
"""
import argparse
import datetime
import json
import os
import platform
import random
import resource
import shutil
import subprocess
import sys

import contenders
import latency
import libraries
import measure

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
SECTIONS = ["tree", "probe", "previews", "copy", "latency", "libraries"]
TITLES = {"tree": "A tree of", "probe": "What is in", "previews": "Previews of", "copy": "Copies of",
          "latency": "HTTP with"}
TREE_SHAPE = (100, 10, 100)
MEDIA_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mts", ".mxf", ".mp3",
                  ".m4a", ".flac", ".wav", ".ogg", ".opus", ".jpg", ".jpeg", ".png", ".gif", ".webp")


def corpus_folder():
    """The folder of real media beside the checkout, if there is one."""
    folder = os.environ.get("RUSHES_CORPUS") or os.path.join(ROOT, os.pardir, "shared", "corpus")
    return folder if os.path.isdir(folder) else None


def make_tree(tree):
    """100,000 files of 1,000 bytes in 1,000 folders; the same bytes each time."""
    if os.path.exists(tree + ".complete"):
        return
    measure.remove(tree)
    source = random.Random(1)
    print("making the tree of small files")
    outer, inner, files = TREE_SHAPE
    for a in range(outer):
        for b in range(inner):
            folder = os.path.join(tree, f"day-{a:03d}", f"card-{b}")
            os.makedirs(folder)
            for c in range(files):
                with open(os.path.join(folder, f"IMG_{a:03d}{b}{c:03d}.jpg"), "wb") as file:
                    file.write(source.randbytes(1000))
    # Beside the tree's own folders, so that no contender counts it.
    with open(tree + ".complete", "w", encoding="utf-8"):
        pass


def find_media():
    """The files to probe: the samples, and the corpus where it is; plain media only."""
    found = []
    for folder in filter(None, [os.path.join(ROOT, "samples", "media"), corpus_folder()]):
        for parent, folders, names in os.walk(folder):
            folders.sort()
            found += [os.path.join(parent, name) for name in sorted(names)
                      if name.lower().endswith(MEDIA_SUFFIXES)]
    return found


def make_jpegs(folder, values):
    """64 JPEGs: camera photographs from the corpus first, made ones for the rest."""
    wanted = 64
    if os.path.isdir(folder) and len(os.listdir(folder)) == wanted:
        return
    measure.remove(folder)
    os.makedirs(folder)
    photos = os.path.join(corpus_folder() or "", "photo")
    names = sorted(os.listdir(photos)) if corpus_folder() and os.path.isdir(photos) else []
    names = [name for name in names if name.lower().endswith((".jpg", ".jpeg"))][:wanted]
    for name in names:
        shutil.copy(os.path.join(photos, name), os.path.join(folder, name))
    print(f"making {wanted - len(names)} JPEGs, beside {len(names)} photographs")
    subprocess.run([values["python"], values["peers"], "make-jpegs", folder,
                    str(wanted - len(names))], check=True, stdout=subprocess.DEVNULL)


def version(*argv):
    """The first line with a number of what a program says of its version."""
    try:
        said = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    except OSError:
        return "not there"
    lines = said.stdout.decode(errors="replace").strip().splitlines()
    return next((line for line in lines if any(map(str.isdigit, line))), "silent")


def machine_facts(rushes):
    """What the figures depend on; nothing that names the machine or its folders."""
    model = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"processor": f"{model}, {len(os.sched_getaffinity(0))} cores in use",
            "memory": f"{memory_bytes / 2**30:.0f} GiB",
            "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
            "python": platform.python_version(), "rushes": version(rushes, "--version"),
            "ffmpeg": version("ffmpeg", "-version").split(" Copyright")[0],
            "mediainfo": version("mediainfo", "--Version").rpartition(" ")[2]}


def peak(row):
    """The most memory a run held. A child starts as a copy of this process, so what is below this
    process's own peak cannot be told apart from it."""
    if "peak_bytes" not in row:
        return ""
    own_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    least = "at most " if row["peak_bytes"] <= own_bytes * 1.05 else ""
    return f"{least}{row['peak_bytes'] / 2**20:.0f}"


def table(section):
    """A section as Markdown, also readable as it stands."""
    lines = [f"## {section['title']}", ""]
    if "skipped" in section:
        return lines + [f"Not measured: {section['skipped']}", ""]
    if section.get("peers") or section.get("exactness"):
        return lines + libraries.table(section)
    if section["reference"] is None:
        lines += ["| request | p50 ms | p99 ms | worst ms | requests |", "|---|--:|--:|--:|--:|"]
        for row in section["rows"]:
            if "failure" in row:
                lines.append(f"| {row['name']} | not measured: {row['failure']} | | | |")
            else:
                lines.append(f"| {row['name']} | {row['p50_ms']:.2f} | {row['p99_ms']:.2f} | "
                             f"{row['worst_ms']:.2f} | {row['requests']} |")
        return lines + [""]
    lines += [f"Medians of {section['rounds']} interleaved rounds; ratios to {section['reference']}, "
              "less is faster.", "",
              "| | ratio | least to most | wall s | processor s | peak MiB | items |",
              "|---|--:|--:|--:|--:|--:|--:|"]
    for row in section["rows"]:
        if "failure" in row:
            lines.append(f"| {row['name']} | not measured: {row['failure']} | | | | | |")
            continue
        ratio = f"{row['ratio']:.2f}" if "ratio" in row else ""
        span = f"{row['ratio_least']:.2f} to {row['ratio_most']:.2f}" if "ratio" in row else ""
        processor = f"{row['cpu_secs']:.3f}" if "cpu_secs" in row else "in the line above"
        lines.append(f"| {row['name']} | {ratio} | {span} | {row['wall_secs']:.3f} | "
                     f"{processor} | {peak(row)} | {row['items']:.0f} |")
    return lines + [""]


def without_paths(section, scratch):
    """The section with the folders of this machine taken out of its failures."""
    for row in section.get("rows", []):
        if "failure" in row:
            one_line = " ".join(row["failure"].replace("|", "/").split())
            row["failure"] = one_line.replace(scratch, "SCRATCH").replace(ROOT, ".")
    return section


def tree_section(values, rounds):
    make_tree(values["tree"])
    files = TREE_SHAPE[0] * TREE_SHAPE[1] * TREE_SHAPE[2]
    measure.remove(values["full_home"])
    done = subprocess.run(measure.fill(contenders.TREE_PREPARATION, values, []), check=False,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    able, broken = contenders.TREE, []
    if done.returncode not in (0, 1):
        able = [one for one in able if "{full_home}" not in one.argv]
        broken = [{"name": one.name, "failure": f"the scan before it ended with {done.returncode}"}
                  for one in contenders.TREE if one not in able]
    section = measure.race(f"A tree of {files:,} small files, warm cache", able,
                           contenders.TREE_REFERENCE, values, [], rounds, expected_items=files)
    section["rows"] += broken
    return section


def probe_section(values, rounds):
    media = find_media()
    with open(values["media_list"], "w", encoding="utf-8") as file:
        file.write("".join(path + "\n" for path in media))
    return measure.race(f"What is in a file: {len(media)} media files", contenders.PROBE,
                        contenders.PROBE_REFERENCE, values, media, rounds)


def previews_section(values, rounds):
    make_jpegs(values["jpegs"], values)
    pictures = len(os.listdir(values["jpegs"]))
    return measure.race(f"Previews of {contenders.PREVIEW_PX} px from {pictures} JPEGs",
                        contenders.PREVIEWS, contenders.PREVIEWS_REFERENCE, values, [], rounds,
                        expected_items=pictures)


def copy_section(values, rounds):
    files, size_bytes = contenders.COPY_SHAPE
    folder = values["originals"]
    if not os.path.exists(folder + ".complete"):
        measure.remove(folder)
        os.makedirs(folder)
        print("making the files to copy")
        for number in range(files):
            with open(os.path.join(folder, f"clip-{number}.mov"), "wb") as file:
                for _ in range(size_bytes >> 20):
                    file.write(os.urandom(1 << 20))
        with open(folder + ".complete", "w", encoding="utf-8"):
            pass
    title = f"Copies of {files} files of {size_bytes >> 20} MiB, verified"
    return measure.race(title, contenders.COPY, contenders.COPY_REFERENCE, values, [], rounds,
                        expected_items=files)


def latency_section(values, requests, assets):
    title = f"HTTP with {assets:,} assets, one client, one connection"
    if not contenders.LATENCY_GENERATOR:
        return {"title": title, "skipped": "contenders.py names no generator of the catalogue"}
    print(f"\n{title}")
    values = {**values, "assets": assets, "home": os.path.join(values["scratch"], f"home-{assets}")}
    if not os.path.exists(values["home"] + ".complete"):
        measure.remove(values["home"])
        print("  making the catalogue")
        subprocess.run(measure.fill(contenders.LATENCY_GENERATOR, values, []), check=True)
        with open(values["home"] + ".complete", "w", encoding="utf-8"):
            pass
    rows = latency.measure_requests(measure.fill(contenders.LATENCY_SERVER, values, []),
                                    contenders.LATENCY_REQUESTS, requests,
                                    contenders.LATENCY_WORDS, contenders.LATENCY_CURSOR)
    return {"title": title, "reference": None, "rows": rows}


def earlier(history, key):
    """The sections of this name as they were last measured."""
    if not os.path.exists(history):
        return []
    with open(history, encoding="utf-8") as lines:
        runs = [json.loads(line) for line in lines]
    for run in reversed(runs):
        # The first runs named their sections by title alone.
        found = [{"date": run["date"], **section} for section in run["sections"]
                 if section.get("key") == key or section["title"].startswith(TITLES.get(key, "\n"))]
        if found:
            return found
    return []


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rushes", default=os.path.join(ROOT, "target", "release", "rushes"))
    parser.add_argument("--only", default=",".join(SECTIONS),
                        help=f"sections to run, split by commas: {', '.join(SECTIONS)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=1000, help="of each sort")
    parser.add_argument("--assets", type=int, default=contenders.LATENCY_ASSETS)
    parser.add_argument("--scratch", help="where trees and catalogues are made, and kept",
                        default=os.path.join(os.environ.get("XDG_CACHE_HOME")
                                             or os.path.expanduser("~/.cache"), "rushes", "bench"))
    parser.add_argument("--results", default=os.path.join(HERE, "RESULTS.md"))
    arguments = parser.parse_args()
    chosen = arguments.only.split(",")
    if unknown := [name for name in chosen if name not in SECTIONS]:
        parser.error(f"no section '{unknown[0]}': the sections are {', '.join(SECTIONS)}")
    if arguments.rounds < 1 or arguments.requests < 1:
        parser.error("--rounds and --requests are at least 1")

    if not os.access(arguments.rushes, os.X_OK):
        parser.error(f"{arguments.rushes} is not a program: `make bench` builds it")

    scratch = os.path.abspath(arguments.scratch)
    os.makedirs(scratch, exist_ok=True)
    values = {"rushes": os.path.abspath(arguments.rushes), "python": sys.executable,
              "peers": os.path.join(HERE, "peers.py"), "scratch": scratch,
              "copier": os.path.join(os.path.dirname(os.path.abspath(arguments.rushes)), "examples", "copy")}
    for name in ("tree", "home", "full_home", "jpegs", "originals", "out", "media_list", "database"):
        values[name] = os.path.join(scratch, name)

    makers = {"tree": lambda: [tree_section(values, arguments.rounds)],
              "probe": lambda: [probe_section(values, arguments.rounds)],
              "previews": lambda: [previews_section(values, arguments.rounds)],
              "copy": lambda: [copy_section(values, arguments.rounds)],
              "latency": lambda: [latency_section(values, arguments.requests, arguments.assets)],
              "libraries": lambda: libraries.sections(values["rushes"], arguments.rounds)}
    facts = machine_facts(values["rushes"])
    date = datetime.date.today().isoformat()
    history = os.path.join(HERE, "history.jsonl")
    sections, shown = [], []
    for name in SECTIONS:
        if name not in chosen:
            shown += earlier(history, name)
            continue
        for section in makers[name]():
            section = {**without_paths(section, scratch), "key": name, "date": date}
            sections.append(section)
            shown.append(section)
            print("\n" + "\n".join(table(section)[2:]))

    lines = ["# Measured", "", "By `make bench`. Written by benches/run.py; edit that.", "",
             *(f"- {name}: {fact}" for name, fact in facts.items()), ""]
    for section in shown:
        title, *rest = table(section)
        lines += [title, "", f"On {section['date']}.", *rest]
    with open(arguments.results, "w", encoding="utf-8") as file:
        file.write("\n".join(lines).rstrip() + "\n")
    with open(history, "a", encoding="utf-8") as file:
        file.write(json.dumps({"date": date, "machine": facts, "sections": sections}) + "\n")
    print(f"written to {os.path.relpath(arguments.results)}")
    if any("failure" in row for section in sections for row in section.get("rows", [])):
        sys.exit(1)


if __name__ == "__main__":
    main()

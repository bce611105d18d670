"""Who runs in each benchmark, one line each.

An argv template may name {rushes}, {python}, {peers}, {tree}, {media_list}, {jpegs},
{out}, {home}, {full_home}, {database} and {scratch}. What a template names in `fresh` is removed
before each of its runs. Where a file list is long, "@media" stands for one argument per file.
"""
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Contender:
    """One program in a benchmark."""

    name: str
    argv: list
    #: Paths (templates) removed before each run, outside the measured time.
    fresh: list = field(default_factory=list)
    #: A command run before each run, outside the measured time.
    before: list = field(default_factory=list)
    #: Where the number of items done is in what it prints: "lines", "last_number",
    #: "json:a.b" (a number or a list in a JSON document), "json_lines" or "output_files".
    counted_by: str = "last_number"
    #: Exit codes that count as done. Rushes says 1 when some items failed.
    exit_codes: tuple = (0,)
    #: Steps that the program times itself: title, and the dotted paths of seconds in its JSON
    #: document that are added up. Each gets a row of its own.
    steps: tuple = ()
    env: dict = field(default_factory=dict)


FRESH_HOME = ["{home}"]
FRESH_DATABASE = ["{database}", "{database}-wal", "{database}-shm"]

# A tree of small files: list, stat and record. Units are files.
TREE = [
    Contender("find -printf", ["find", "{tree}", "-type", "f", "-printf", "%p %s %T@\\n"],
              counted_by="lines"),
    Contender("Python scandir + SQLite", ["{python}", "{peers}", "scandir", "{tree}", "{database}"],
              fresh=FRESH_DATABASE),
    Contender("Python scandir + SQLite + BLAKE2b of each file",
              ["{python}", "{peers}", "scandir-hash", "{tree}", "{database}"], fresh=FRESH_DATABASE),
    Contender("rushes scan, first, probes too",
              ["{rushes}", "--home", "{home}", "--json", "scan", "{tree}"], fresh=FRESH_HOME,
              counted_by="json:files", exit_codes=(0, 1),
              steps=(("rushes scan, first: list, stat, record", ("phases.list_secs",)),
                     ("rushes scan, first: the same with fingerprints",
                      ("phases.list_secs", "phases.fingerprint_secs")))),
    Contender("rushes scan, second, unchanged",
              ["{rushes}", "--home", "{full_home}", "--json", "scan", "{tree}"],
              counted_by="json:files", exit_codes=(0, 1)),
]
TREE_REFERENCE = "find -printf"
# Run once before the rounds: a home in which the tree has been scanned already.
TREE_PREPARATION = ["{rushes}", "--home", "{full_home}", "--json", "scan", "{tree}"]

# What is in each file. Units are files.
PROBE = [
    Contender("PyAV in one process", ["{python}", "{peers}", "pyav", "{media_list}"]),
    Contender("mediainfo, one run over all", ["mediainfo", "--Output=JSON", "@media"],
              counted_by="media_tracks"),
    Contender("rushes probe, one run over all", ["{rushes}", "--json", "probe", "@media"],
              counted_by="json:files", exit_codes=(0, 1)),
]
PROBE_REFERENCE = "PyAV in one process"

# JPEG thumbnails: the longer side 512 px, stored as WebP, two threads. Units are pictures. The
# scan that records the pictures is not measured; making their previews is.
PREVIEW_PX = 512
PREVIEWS = [
    Contender("pyvips, 2 threads, WebP",
              ["{python}", "{peers}", "vips", "{jpegs}", "{out}", str(PREVIEW_PX), ".webp"],
              fresh=["{out}"], env={"VIPS_CONCURRENCY": "1"}),
    Contender("pyvips, 2 threads, JPEG",
              ["{python}", "{peers}", "vips", "{jpegs}", "{out}", str(PREVIEW_PX), ".jpg"],
              fresh=["{out}"], env={"VIPS_CONCURRENCY": "1"}),
    Contender("rushes previews, 2 workers, WebP",
              ["{rushes}", "--home", "{home}", "--json", "previews", "--workers", "2"],
              fresh=FRESH_HOME, before=["{rushes}", "--home", "{home}", "--json", "scan", "{jpegs}"],
              counted_by="json:made"),
]
PREVIEWS_REFERENCE = "pyvips, 2 threads, WebP"

# Copies that are verified. Units are files. What `cp` wrote may still be in memory when it is read
# again; the second puts it to disk and reads it from there, as Rushes does.
COPY_SHAPE = (4, 512 << 20)
COPY_SUMS = "(cd {originals} && xxh128sum *) >{out}/sums && cd {out}/a && xxh128sum --quiet -c ../sums"
COPY = [
    Contender("cp, then xxh128sum of both",
              ["sh", "-c", "mkdir -p {out} && cp -r {originals} {out}/a && " + COPY_SUMS + " && ls | wc -l"],
              fresh=["{out}"]),
    Contender("the same, put to disk and read from there",
              ["sh", "-c", "mkdir -p {out} && cp -r {originals} {out}/a && sync -f {out} && "
                           "for file in {out}/a/*; do dd if=$file iflag=nocache count=0 status=none; done && "
                           + COPY_SUMS + " && ls | wc -l"],
              fresh=["{out}"]),
    Contender("rushes copy_file, BLAKE3 and XXH3",
              ["{copier}", "{originals}", "{out}"], fresh=["{out}"], before=["mkdir", "-p", "{out}"]),
    Contender("cp to two folders, then xxh128sum of all three",
              ["sh", "-c", "mkdir -p {out} && cp -r {originals} {out}/a && cp -r {originals} {out}/b && "
                           + COPY_SUMS + " && cd ../b && xxh128sum --quiet -c ../sums && ls | wc -l"],
              fresh=["{out}"]),
    Contender("rushes copy_file to two folders",
              ["{copier}", "{originals}", "{out}/a", "{out}/b"], fresh=["{out}"],
              before=["mkdir", "-p", "{out}/a", "{out}/b"]),
]
COPY_REFERENCE = "cp, then xxh128sum of both"

# Latency over HTTP with a catalogue of this many assets.
LATENCY_ASSETS = 1_000_000
# The command that fills {home} with {assets} assets; empty: the section is skipped.
LATENCY_GENERATOR = ["cargo", "run", "--release", "--quiet", "-p", "rushes-catalog", "--example", "fill", "--",
                     "{home}", "{assets}"]
LATENCY_SERVER = ["{rushes}", "--home", "{home}", "serve", "--bind", "127.0.0.1:0"]
# Titles and the paths asked for. {cursor} is taken from the answer before, for the next page.
LATENCY_REQUESTS = [
    ("list, first page", "/api/v1/search?limit=100"),
    ("list, following pages", "/api/v1/search?limit=100&cursor={cursor}"),
    ("list, by name", "/api/v1/search?limit=100&query=sort%3Aname"),
    ("search, one word", "/api/v1/search?limit=100&query={word}"),
    ("search, filters", "/api/v1/search?limit=100&query=kind%3Avideo+duration%3A%3E10"),
    ("search, word and filter", "/api/v1/search?limit=100&query={word}+kind%3Astill"),
    ("recent", "/api/v1/recent?limit=100"),
    ("stats", "/api/v1/stats"),
]
#: Where the next page's cursor is in an answer.
LATENCY_CURSOR = "next_cursor"
#: Words to search for, taken in turn; the generator is expected to use them in names.
LATENCY_WORDS = ["harbour", "interview", "drone", "sunset", "IMG", "golden"]

"""The other programs, where they are Python libraries. Each mode prints how many items it did.

    peers.py scandir|scandir-hash TREE DATABASE
    peers.py pyav LIST
    peers.py vips FOLDER OUT SIZE SUFFIX
    peers.py make-jpegs OUT COUNT
"""
import os
import sys


def walk(tree):
    """(path, size, mtime) of every file beneath a folder."""
    folders = [tree]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    stat = entry.stat(follow_symlinks=False)
                    yield entry.path, stat.st_size, stat.st_mtime_ns


def scandir(tree, database, hashed):
    import hashlib
    import sqlite3

    def rows():
        for path, size_bytes, mtime_ns in walk(tree):
            digest = None
            if hashed:
                with open(path, "rb") as file:
                    digest = hashlib.blake2b(file.read(), digest_size=32).digest()
            yield path, size_bytes, mtime_ns, digest

    connection = sqlite3.connect(database)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE places (path TEXT PRIMARY KEY, size_bytes INTEGER, "
                       "mtime_ns INTEGER, hash BLOB) WITHOUT ROWID")
    with connection:
        connection.executemany("INSERT INTO places VALUES (?, ?, ?, ?)", rows())
    return connection.execute("SELECT count(*) FROM places").fetchone()[0]


def pyav(list_path):
    import av

    av.logging.set_level(av.logging.PANIC)
    read = 0
    with open(list_path, encoding="utf-8") as lines:
        for line in lines:
            try:
                with av.open(line.rstrip("\n")) as container:
                    facts = [(stream.type, stream.codec_context and stream.codec_context.name,
                              stream.time_base, stream.duration, dict(stream.metadata))
                             for stream in container.streams]
                    read += bool(facts)
            except (av.error.FFmpegError, OSError, ValueError):
                pass
    return read


def vips(folder, out, size_px, suffix):
    from concurrent.futures import ThreadPoolExecutor

    import pyvips

    os.makedirs(out)
    names = sorted(os.listdir(folder))

    def shrink(name):
        picture = pyvips.Image.thumbnail(os.path.join(folder, name), size_px, height=size_px,
                                         size="down")
        picture.write_to_file(os.path.join(out, name + suffix), Q=80, keep="none")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(shrink, names))
    return len(os.listdir(out))


def make_jpegs(out, count):
    """Pictures of 12 megapixels with detail at every scale, as a camera would store them."""
    import pyvips

    os.makedirs(out, exist_ok=True)
    for index in range(count):
        clouds = pyvips.Image.perlin(4000, 3000, cell_size=600, seed=index) * 70
        leaves = pyvips.Image.perlin(4000, 3000, cell_size=24, seed=index + 1000) * 30
        light = clouds + leaves
        bands = [light * share + pyvips.Image.gaussnoise(4000, 3000, sigma=3, mean=120, seed=seed)
                 for seed, share in enumerate((0.7, 1.0, 1.3))]
        picture = bands[0].bandjoin(bands[1:]).cast("uchar").copy(interpretation="srgb")
        picture.jpegsave(os.path.join(out, f"made-{index:03d}.jpg"), Q=90)
    return count


def main():
    mode, arguments = sys.argv[1], sys.argv[2:]
    if mode in ("scandir", "scandir-hash"):
        print(scandir(*arguments, hashed=mode == "scandir-hash"))
    elif mode == "pyav":
        print(pyav(*arguments))
    elif mode == "vips":
        print(vips(arguments[0], arguments[1], int(arguments[2]), arguments[3]))
    elif mode == "make-jpegs":
        print(make_jpegs(arguments[0], int(arguments[1])))
    else:
        sys.exit(f"peers.py: no mode '{mode}'\n{__doc__}")


if __name__ == "__main__":
    main()

"""Rushes beside the libraries that media are read and written with today.

The tasks are scripts of their own, in the folder that PEERS names (that of the peers beside the
checkout, if there); PEERS_HOME is where their environments and clips are. Both must be there: the
folder's setup.sh makes them. Rushes runs as arrays.json says.
"""
import glob
import json
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
#: Title, script, variables, the task's name in the results, and who runs beside Rushes.
TASKS = [
    ("600 frames of 1080p H.264 to RGB", "a_decode_seq.py", {}, "a_decode_seq_1080p_h264",
     ["pyav_frame_threads", "opencv", "decord", "LIMIT_ffmpeg_null_rgb24"]),
    ("100 random frames, 1080p, GOP of 250", "b_random_access.py", {},
     "b_random_access_1080p_gop250", ["pyav_seek", "opencv"]),
    ("795 frames through CLAHE into MPEG-4", "c_convert_clahe.py", {}, "c_convert_clahe_vtest",
     ["opencv", "ffmpeg_pipe_cv2"]),
    ("4000x3000 to 800x600, Lanczos", "d_images.py", {"D_ONLY": "d1"}, "d1_resize_lanczos",
     ["pillow", "pyvips", "kornia_rs", "ffmpeg_swscale_pyav"]),
    ("A JPEG of 12 MP, decoded", "d_images.py", {"D_ONLY": "d2"}, "d2_jpeg_decode_12mp",
     ["pillow", "opencv", "simplejpeg", "imagecodecs"]),
    ("100 thumbnails of at most 256 px", "d_images.py", {"D_ONLY": "d4"}, "d4_thumbnails_100",
     ["pillow_draft_2t", "opencv_reduced", "pyvips_2t"]),
    *((f"5 minutes of {name}, decoded to float", "e_audio.py", {"E_ONLY": "e1"}, f"e1_decode_{name}",
       ["soundfile", "pyav", "ffmpeg_cli_pipe"]) for name in ("mp3", "flac", "ogg")),
    ("5 minutes of sound, 48 to 44.1 kHz", "e_audio.py", {"E_ONLY": "e3"}, "e3_resample_48k_44k1",
     ["soxr_hq", "soxr_vhq", "pyav_swr"]),
    ("3 s of video as a GIF", "l_gif.py", {}, "l_gif_3s",
     ["ffmpeg_palettegen", "ffmpeg_palettegen_bayer"]),
]


def places():
    """The folder of the tasks and that of their environments, or why not."""
    tasks = os.environ.get("PEERS") or os.path.join(HERE, os.pardir, os.pardir, "shared", "peers")
    home = os.environ.get("PEERS_HOME") or os.path.expanduser("~/.cache/rushes-peers")
    if not os.path.exists(os.path.join(tasks, "common.py")):
        return None, "PEERS names no folder of tasks"
    python = os.path.join(home, "venv", "bin", "python")
    if not os.access(python, os.X_OK):
        return None, "PEERS_HOME has no environment: run the setup.sh beside the tasks"
    installed = subprocess.run([python, "-c", "import rushes"], capture_output=True, check=False)
    if installed.returncode:
        return None, "the environment of PEERS_HOME has no rushes: install its wheel there"
    return (os.path.abspath(tasks), os.path.abspath(home)), None


def sections(rushes, rounds):
    """One section for each task."""
    found, why = places()
    if why:
        return [{"title": "Beside the libraries of today", "skipped": why}]
    tasks, home = found
    env = {**os.environ, "PEERS": tasks, "PEERS_HOME": home, "BENCHES": HERE, "RUSHES": rushes,
           "PEERS_CONTENDERS": os.path.join(HERE, "arrays.json"), "B_ROUNDS": str(rounds)}
    done, made = set(), [exactness(tasks, home, env)]
    for title, script, variables, task, beside in TASKS:
        run = (script, *variables.values())
        if run not in done:
            done.add(run)
            print(f"\n{title}")
            only = ",".join([*beside, "rushes", "rushes_together"])
            line = [os.path.join(home, "venv", "bin", "python"), script, "--rounds", str(rounds),
                    "--only", only]
            # Some tasks are measured together; what a contender fails at is in the results.
            subprocess.run(line, cwd=tasks, env={**env, **variables}, check=False,
                           stdout=subprocess.DEVNULL)
        made.append(section(title, os.path.join(home, "results", f"{task}.jsonl"), rounds))
    return made


def section(title, path, rounds):
    """What the results say of one task."""
    if not os.path.exists(path):
        return {"title": title, "skipped": "the task left no results"}
    with open(path, encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    reference = next((row["ref"] for row in rows if "ref" in row), None)
    return {"title": title, "reference": reference, "rounds": rounds, "peers": True,
            "rows": [row_of(row) for row in rows]}


def row_of(row):
    if "error" in row:
        lines = row["error"].strip().splitlines() or ["it failed"]
        return {"name": row["peer"], "failure": lines[-1]}
    check = {key: value for key, value in row["check"].items() if key not in ("units", "offset")}
    return {"name": row["peer"], "wall_secs": row["wall"], "cpu_secs": row["cpu"],
            "wall_ratio": row["wall_vs_ref"], "cpu_ratio": row["cpu_vs_ref"],
            "peak_bytes": row["rss_mb"] * 2**20, "check": check}


def exactness(tasks, home, env):
    """How many of 40 frames of each clip are the ones that were asked for."""
    rows = []
    python = os.path.join(home, "venv", "bin", "python")
    for path in sorted(glob.glob(os.path.join(home, "derived", "bc_*"))):
        if "master" in path:
            continue
        line = [python, os.path.join(HERE, "arrays.py"), "exact", path]
        said = subprocess.run(line, env=env, cwd=tasks, capture_output=True, text=True, check=False)
        answer = next((it for it in said.stdout.splitlines() if it.startswith("@@")), None)
        check = json.loads(answer[2:])["check"] if answer else {"failed": said.stderr[-200:]}
        rows.append({"name": os.path.basename(path), "check": check})
    return {"title": "Frames by their number, 40 of each clip", "exactness": True, "rows": rows}


def table(one):
    """A section as Markdown."""
    if one.get("exactness"):
        lines = ["| clip | right | length | last frame |", "|---|--:|--:|---|"]
        for row in one["rows"]:
            check = row["check"]
            lines.append(f"| {row['name']} | {check.get('exact', check.get('failed'))} | "
                         f"{check.get('len_reported')} of {check.get('len_true')} | "
                         f"{'right' if check.get('last') else 'wrong'} |")
        return [*lines, ""]
    lines = [f"Medians of {one['rounds']} interleaved rounds; ratios to {one['reference']}, less is "
             "faster.", "", "| | wall | processor | wall s | processor s | peak MiB | checked |",
             "|---|--:|--:|--:|--:|--:|---|"]
    for row in one["rows"]:
        if "failure" in row:
            lines.append(f"| {row['name']} | not measured: {row['failure']} | | | | | |")
            continue
        check = ", ".join(f"{key} {value}" for key, value in row["check"].items())
        lines.append(f"| {row['name']} | {row['wall_ratio']:.2f} | {row['cpu_ratio']:.2f} | "
                     f"{row['wall_secs']:.3f} | {row['cpu_secs']:.3f} | "
                     f"{row['peak_bytes'] / 2**20:.0f} | {check} |")
    return [*lines, ""]

"""How much memory frames, pictures and samples may take at once."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ._errors import Invalid, NotEnoughMemory

VARIABLE = "RUSHES_MEMORY_BYTES"
# Below this, a machine is not asked what it has: that would take as long as a small frame.
SMALL_BYTES = 32 << 20


def default_bytes() -> int:
    """The budget of the environment, else half of what this process could get now."""
    given = os.environ.get(VARIABLE)
    if not given:
        return available_bytes() // 2
    try:
        budget = int(given)
    except ValueError:
        budget = -1
    if budget < 0:
        why = f"{VARIABLE} is {given!r}, which is not a number of bytes"
        raise Invalid("finding the memory budget", why, "write it like 4000000000")
    return budget


def available_bytes() -> int:
    """What can be had without swapping, within the limits of a container."""
    found = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for line in lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            found = int(line.split()[1]) * 1024
    return min([found, *left_in_groups()])


def left_in_groups() -> list[int]:
    """What each control group (version 2) that this process is in has left."""
    left = []
    for line in lines("/proc/self/cgroup"):
        if not line.startswith("0::"):
            continue
        folder = Path("/sys/fs/cgroup" + line.removeprefix("0::"))
        for group in (folder, *folder.parents):
            most, used = lines(group / "memory.max"), lines(group / "memory.current")
            if most and used and most[0].isdigit():
                # What is read from files counts as used, and is given back when it is needed.
                cached = [row for row in lines(group / "memory.stat") if row.startswith("file ")]
                file_bytes = int(cached[0].split()[1]) if cached else 0
                left.append(max(int(most[0]) - int(used[0]) + file_bytes, 0))
    return left


def lines(path: str | Path) -> list[str]:
    """A small file of the system; none where it is missing."""
    try:
        return Path(path).read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []


def check(count: int, frame_bytes: int, shape: tuple[int, ...]) -> None:
    """Refuses frames that take more than the budget together."""
    sides = "x".join(map(str, shape))
    frames = f"{count} frames of {sides} take" if count != 1 else f"a frame of {sides} takes"
    remedy = "go through them with frames(), take fewer at once, open the video with a smaller size"
    check_bytes(count * frame_bytes, frames, "making room for frames", remedy)


def check_bytes(
    wanted: int, takes: str, what: str, remedy: str | None = None, path: str | None = None
) -> None:
    """Refuses what takes more than the budget: `takes` says what that is."""
    package = sys.modules["rushes"]
    budget = vars(package).get("memory_budget_bytes")
    if budget is None:
        if wanted <= SMALL_BYTES and VARIABLE not in os.environ:
            return
        budget = default_bytes()
    if wanted <= budget:
        return
    why = f"{takes} {told(wanted)}, and the budget is {told(budget)}"
    setting = f"set rushes.memory_budget_bytes or {VARIABLE}"
    raise NotEnoughMemory(what, why, f"{remedy}, or {setting}" if remedy else setting, path)


def told(count_bytes: int) -> str:
    """A number of bytes for people."""
    size, units = float(count_bytes), ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"]
    while size >= 1024 and len(units) > 1:
        size /= 1024
        units.pop(0)
    exact = f"{count_bytes} bytes" if count_bytes != 1 else "1 byte"
    return f"{size:.1f} {units[0]} ({exact})" if units[0] != "bytes" else exact

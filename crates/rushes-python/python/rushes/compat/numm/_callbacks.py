"""The six functions of a program, called so that what they raise ends nothing."""

from __future__ import annotations

import cProfile
import pstats
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from ..._errors import Invalid

Callback = Callable[..., object]

NAMES = ("audio_out", "video_out", "audio_in", "video_in", "mouse_in", "keyboard_in")
# The longer names that numm takes too.
LONGER = {
    "audio_output": "audio_out",
    "video_output": "video_out",
    "audio_input": "audio_in",
    "video_input": "video_in",
}
# Lines of a profile that are printed.
PROFILE_ROWS = 20


class Callbacks:
    """Which function is called for what; they may be swapped at any time, from any thread."""

    def __init__(self, functions: Mapping[str, Callback | None]) -> None:
        self._functions: dict[str, Callback] = {}
        self._raised: dict[str, tuple[Callback, str]] = {}
        self._profiled: set[str] = set()
        # There is one profiler in a process.
        self._profiler = threading.Lock()
        for name in NAMES:
            self.set(name, functions.get(name))

    def set(self, name: str, function: Callback | None) -> None:
        """Calls this one from now on; none where it is None."""
        if function is None:
            self._functions.pop(name, None)
        elif callable(function):
            self._functions[name] = function
        else:
            raise Invalid("running a program", f"{name} is {function!r}, which cannot be called")

    def has(self, *names: str) -> bool:
        """Whether there is one of these."""
        return any(name in self._functions for name in names)

    def call(self, name: str, *given: object) -> object:
        """What it gives; None where it raised, which is printed, or is not there.

        What it raises again and again is printed once.
        """
        function = self._functions.get(name)
        if function is None:
            return None
        try:
            if name in self._profiled:
                return self._profile(name, function, *given)
            result = function(*given)
        except Exception:
            text = traceback.format_exc()
            if self._raised.get(name) != (function, text):
                self._raised[name] = function, text
                sys.stderr.write(text)
                sys.stderr.flush()
            return None
        self._raised.pop(name, None)
        return result

    def profile(self) -> None:
        """Prints where the next call of each spends its time."""
        self._profiled.update(self._functions)

    def _profile(self, name: str, function: Callback, *given: object) -> object:
        self._profiled.discard(name)
        with self._profiler:
            profiler = cProfile.Profile()
            try:
                return profiler.runcall(function, *given)
            finally:
                sys.stderr.write(f"{name}:\n")
                stats = pstats.Stats(profiler, stream=sys.stderr)
                stats.sort_stats("cumulative").print_stats(PROFILE_ROWS)


def functions_of(names: Mapping[str, Any]) -> dict[str, Any]:
    """The callbacks among the names of a program."""
    found = {LONGER[name]: value for name, value in names.items() if name in LONGER}
    found.update({name: names[name] for name in NAMES if names.get(name) is not None})
    return found

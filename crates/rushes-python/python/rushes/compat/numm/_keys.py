"""The names of keys, which are those of X11, and a keyboard without a window."""

from __future__ import annotations

import codecs
import os
import re
import select
import sys

NAMED = {
    "Alt": "Alt_L",
    "AltGraph": "ISO_Level3_Shift",
    "AltRight": "Alt_R",
    "ArrowDown": "Down",
    "ArrowLeft": "Left",
    "ArrowRight": "Right",
    "ArrowUp": "Up",
    "Backspace": "BackSpace",
    "CapsLock": "Caps_Lock",
    "ContextMenu": "Menu",
    "Control": "Control_L",
    "ControlRight": "Control_R",
    "Enter": "Return",
    "NumLock": "Num_Lock",
    "PageDown": "Next",
    "PageUp": "Prior",
    "PrintScreen": "Print",
    "ScrollLock": "Scroll_Lock",
    "Shift": "Shift_L",
    "ShiftRight": "Shift_R",
    "Space": "space",
    "Super": "Super_L",
    "SuperRight": "Super_R",
}
# Letters, digits and what is beyond ASCII are their own names.
SIGNS = dict(
    zip(
        " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
        "space exclam quotedbl numbersign dollar percent ampersand apostrophe parenleft parenright "
        "asterisk plus comma minus period slash colon semicolon less equal greater question at "
        "bracketleft backslash bracketright asciicircum underscore grave braceleft bar braceright "
        "asciitilde".split(),
        strict=True,
    )
)
# What a terminal sends.
SENT = {
    "\r": "Return", "\n": "Return", "\t": "Tab", "\x7f": "BackSpace", "\x08": "BackSpace",
    "\x1b": "Escape", "[A": "Up", "[B": "Down", "[C": "Right", "[D": "Left", "[H": "Home",
    "[F": "End", "[2~": "Insert", "[3~": "Delete", "[5~": "Prior", "[6~": "Next", "OP": "F1",
    "OQ": "F2", "OR": "F3", "OS": "F4", "[15~": "F5", "[17~": "F6", "[18~": "F7", "[19~": "F8",
    "[20~": "F9", "[21~": "F10", "[23~": "F11", "[24~": "F12",
}  # fmt: skip
STROKE = re.compile(r"\x1b(\[[0-9;]*[A-Za-z~]|O[A-Z])|(.)", re.DOTALL)


def name_of(key: str) -> str:
    """X11's name of a key of the window."""
    return SIGNS.get(key) or NAMED.get(key, key)


def strokes(text: str) -> list[str]:
    """The names of the keys for which a terminal sent this."""
    names = []
    for sequence, character in STROKE.findall(text):
        sent = sequence or character
        if name := SENT.get(sent) or SIGNS.get(sent):
            names.append(name)
        elif character.isprintable() and character:
            names.append(character)
    return names


class Terminal:
    """The keyboard of the terminal, each key as it is struck, until this is closed."""

    def __init__(self) -> None:
        import termios
        import tty

        self._input = sys.stdin.fileno()
        self._before = termios.tcgetattr(self._input)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        tty.setcbreak(self._input)

    def read(self) -> list[str]:
        """The names of the keys that were struck since; it does not wait."""
        if not select.select([self._input], [], [], 0)[0]:
            return []
        return strokes(self._decoder.decode(os.read(self._input, 1024)))

    def close(self) -> None:
        """Leaves the terminal as it was found."""
        import termios

        termios.tcsetattr(self._input, termios.TCSADRAIN, self._before)


def has_terminal() -> bool:
    """Whether there is one, and this process is the one that it speaks to."""
    try:
        terminal = sys.stdin.fileno()
        return os.isatty(terminal) and os.tcgetpgrp(terminal) == os.getpgrp()
    except (AttributeError, OSError, ValueError):
        return False

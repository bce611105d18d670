"""Threads that play what `audio_out` gives, and give `audio_in` what is heard."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from fractions import Fraction

import numpy

from ..._errors import Error
from ._alsa import Device
from ._buffer import stamped
from ._callbacks import Callbacks
from ._sound import CHANNELS, RATE_HZ

# Samples that a function is called with.
BLOCK = 1024
# How far it may be ahead of the clock, where no device makes it wait, and behind it.
AHEAD_SECS, BEHIND_SECS = 0.1, 1.0
# A device that took as long made it wait.
WAITED_SECS = 0.002
# A function that does not come back is not waited for.
JOIN_SECS = 2.0


class Audio:
    """Calls `audio_out` or `audio_in`, on a thread of its own, while there is one."""

    def __init__(
        self,
        name: str,
        callbacks: Callbacks,
        warn: Callable[[Error], None],
        end: Callable[[BaseException], None],
    ) -> None:
        self._name, self._callbacks, self._warn, self._end = name, callbacks, warn, end
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._device: Device | None = None
        self._is_deviceless = False

    def follow(self) -> None:
        """Begins where there is a function; to be called again and again."""
        if self._thread is not None and not self._thread.is_alive():
            self._thread = None
        hears_nothing = self._is_deviceless and self._name == "audio_in"
        if self._thread is None and self._callbacks.has(self._name) and not hears_nothing:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Ends it."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(JOIN_SECS)

    def _work(self) -> None:
        try:
            if not self._is_deviceless:
                self._open()
            self._go_on()
        except BaseException as error:
            # What a function may end the program with.
            self._end(error)
        finally:
            if self._device is not None:
                self._device.close()
                self._device = None

    def _open(self) -> None:
        try:
            self._device = Device(RATE_HZ, CHANNELS, plays=self._name == "audio_out")
        except Error as error:
            self._go_without(error)

    def _go_without(self, error: Error) -> None:
        self._is_deviceless = True
        self._warn(error)

    def _go_on(self) -> None:
        """Block after block; without a device, sound goes out as fast as it would be played."""
        count, start = 0, time.monotonic()
        while self._callbacks.has(self._name) and not self._over.is_set():
            if self._device is None and self._name == "audio_in":
                return
            waited_secs = self._block(Fraction(count, RATE_HZ))
            count += BLOCK
            late_secs = time.monotonic() - start - count / RATE_HZ
            if waited_secs > WAITED_SECS or late_secs > BEHIND_SECS:
                # The device's clock is another one.
                start += late_secs
            elif late_secs < -AHEAD_SECS:
                self._over.wait(-late_secs - AHEAD_SECS)

    def _block(self, at: Fraction) -> float:
        """Calls the function once. Gives for how many seconds the device made it wait."""
        samples = numpy.zeros((BLOCK, CHANNELS), numpy.int16)
        plays = self._name == "audio_out"
        if plays:
            self._callbacks.call("audio_out", stamped(samples, at))
        start = time.monotonic()
        if self._device is not None:
            try:
                (self._device.write if plays else self._device.read)(samples)
            except Error as error:
                self._go_without(error)
                self._device.close()
                self._device = None
        waited_secs = time.monotonic() - start
        if not plays and self._device is not None:
            self._callbacks.call("audio_in", stamped(samples, at))
        return waited_secs

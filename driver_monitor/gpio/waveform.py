"""Writes patterns as a sound file: what a small active buzzer makes of them."""

from __future__ import annotations

import wave
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from driver_monitor.errors import OutputError
from driver_monitor.gpio.pattern import Pattern

Samples = np.ndarray[Any, np.dtype[np.int16]]
RATE_HZ = 16000
TONE_HZ = 2300.0
"""The pitch of the small active buzzers that are sold for such boards. Ours: any other would give the same rhythm."""
RISE_S = 0.005
"""The time in which the tone rises to its full loudness, or falls from it. Ours: without it, each pulse clicks."""
PEAK = 20000
"""The loudest sample, of 32767."""


def sound(pattern: Pattern, seconds: float, silence_s: float = 0.0) -> Samples:
    """Return `pattern`, played for `seconds` from its start, and then `silence_s` of silence. Samples at `RATE_HZ`."""
    times = np.arange(round((seconds + silence_s) * RATE_HZ)) / RATE_HZ
    points, loudness, at = [0.0], [0.0], 0.0
    while pattern.seconds and at < seconds:
        on, left = pattern.at(at)
        end = seconds if left is None else min(at + left, seconds)
        if on:
            points += [at, at + RISE_S, end, end + RISE_S]
            loudness += [0.0, 1.0, 1.0, 0.0]
        at = end
    tone = PEAK * np.sin(2 * np.pi * TONE_HZ * times) * np.interp(times, points, loudness)
    return tone.astype(np.int16)


def write(path: Path, sounds: Iterable[Samples]) -> float:
    """Write `sounds` one after the other to the new file `path`, WAV, 16 bits, mono. Return its length in seconds.

    Raises `OutputError` if the file exists or cannot be written. Then no part of it is left.
    """
    data = np.concatenate(list(sounds))
    try:
        file = path.open("xb")
    except FileExistsError:
        raise OutputError(f"{path}: the file exists already; move it or choose another name") from None
    except OSError as error:
        raise OutputError(f"{path}: cannot be created: {error.strerror}; check the folder") from None
    try:
        with file, wave.open(file, "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(data.itemsize)
            out.setframerate(RATE_HZ)
            out.writeframes(data.astype("<i2").tobytes())
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise OutputError(f"{path}: cannot be written: {error.strerror}; check the disk") from None
    return len(data) / RATE_HZ

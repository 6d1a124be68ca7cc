"""The verb `alerts`: lists the patterns of buzzer and LED, plays them, and writes them as a sound file.

A loudspeaker, if one is configured, plays its chimes and words with them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from driver_monitor.config.schema import Config, GpioConfig
from driver_monitor.data.alert import Sign
from driver_monitor.errors import OutputError, UsageError
from driver_monitor.gpio import waveform
from driver_monitor.gpio.patterns import SOURCES, TABLE, SignPattern
from driver_monitor.outputs.gpio_output import GpioOutput
from driver_monitor.outputs.output import Output
from driver_monitor.outputs.sound.output import SoundOutput

ALL = "all"
"""Plays every kind."""
LEAST_S = 4.0
"""A pattern is played at least this long, and for three bursts. Ours: long enough to count."""
LEAST_WITH_WORDS_S = 6.0
"""The same with a loudspeaker. Ours: longer than the longest chime with its words."""
SILENCE_S = 1.5
"""The silence after a pattern, longer than the pauses in most of them. Ours."""


def show(console: Console) -> None:
    """Print the table of patterns, the most urgent first, and their sources."""
    table = Table("urgency", "kind", "level", "buzzer", "LED", caption="pulses in a burst x length of a pulse")
    for place, row in enumerate(TABLE, 1):
        table.add_row(str(place), row.kind, row.level, _sound_words(row), row.led.words())
    console.print(table)
    for claim, source, read in SOURCES:
        console.print(f"{claim}: {source} ({read})", highlight=False, soft_wrap=True)


def chosen(kind: str, level: str | None) -> tuple[SignPattern, ...]:
    """Return the rows of `kind` (`all`: of each) and `level` (None: of each), the mildest first."""
    return tuple(row for row in reversed(TABLE) if kind in (ALL, row.kind) and level in (None, row.level))


def play_configured(rows: Sequence[SignPattern], config: Config) -> None:
    """Play `rows` on the buzzer, the LED and the loudspeaker of `config`, as far as there are any (see `play`)."""
    outputs = config.outputs
    loudspeaker = SoundOutput(outputs, config.gpio.max_buzz_s) if outputs.sound is not None else None
    play(rows, config.gpio, loudspeaker=loudspeaker)


def play(
    rows: Sequence[SignPattern],
    config: GpioConfig,
    wait: Callable[[float], object] = time.sleep,
    factory: Any = None,
    loudspeaker: SoundOutput | None = None,
) -> None:
    """Print the rhythm of each of `rows`, and play it on the pins of `config` if there are any, and on `loudspeaker`.

    `wait`: waits for the given seconds. `factory`: as in `GpioOutput`. `loudspeaker`: closed at the end; None: there is
    none. Raises `OutputError` if a pin cannot be used or a sound was not played.
    """
    pins: GpioOutput | None = None
    try:
        pins = GpioOutput(config, factory)
        outputs: list[Output] = [*([pins] if pins.connected else []), *([loudspeaker] if loudspeaker else [])]
        for row in rows:
            print(_line(row), flush=True)
            if outputs:
                _show(outputs, Sign(row.kind, row.level))
                wait(max(_length_s(row), LEAST_WITH_WORDS_S) if loudspeaker else _length_s(row))
                _show(outputs, None)
                wait(SILENCE_S)
        if not outputs:
            print("no buzzer and no LED are used here (gpio); to hear the patterns, add --wav FILE")
    finally:
        for output in (pins, loudspeaker):
            if output is not None:
                output.close()
    if pins.faults:
        raise OutputError("gpio: the patterns were not played to the end; check the wiring")
    if loudspeaker is not None and loudspeaker.faults:
        raise OutputError("outputs.sound: not every chime was played; the line above says why")


def _show(outputs: Sequence[Output], sign: Sign | None) -> None:
    for output in outputs:
        output.show(sign)


def write(rows: Sequence[SignPattern], path: Path) -> None:
    """Print the rhythm of each of `rows` and write those that sound to the new file `path`.

    Raises `UsageError` if none of them sounds, and `OutputError` if the file cannot be written.
    """
    sounding = [row for row in rows if row.buzzer.seconds]
    if not sounding:
        raise UsageError("--wav: the buzzer is silent at level info; choose another --level")
    length_s = waveform.write(path, (waveform.sound(row.buzzer, _length_s(row), SILENCE_S) for row in sounding))
    for row in sounding:
        print(_line(row))
    print(f"{path}: {length_s:.1f} s of sound")


def _length_s(row: SignPattern) -> float:
    return max(LEAST_S, 3 * row.buzzer.every_s, 3 * row.led.every_s)


def _line(row: SignPattern) -> str:
    sound = row.buzzer.durations() if row.buzzer.seconds else "silent"
    return f"{row.kind} {row.level}: buzzer {sound}; LED {row.led.durations()}"


def _sound_words(row: SignPattern) -> str:
    return row.buzzer.words() if row.buzzer.seconds else "silent"

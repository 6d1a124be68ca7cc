"""A person who reads only the table of the installer's page tells the kind from a recording of the buzzer."""

from __future__ import annotations

import math
import re
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from driver_monitor.data.alert import KINDS
from driver_monitor.errors import OutputError
from driver_monitor.gpio import waveform
from driver_monitor.gpio.pattern import STEADY, Pattern
from driver_monitor.gpio.patterns import TABLE, SignPattern

PAGE = Path(__file__).parents[2] / "docs" / "install.md"
ROW = re.compile(r"^\| (\w+) \| (\w+) \| (\d+) x ([\d.]+) s every ([\d.]+) s \|", re.MULTILINE)
SOUNDING = [row for row in TABLE if row.buzzer.seconds]
NAMES = [f"{row.kind} {row.level}" for row in SOUNDING]
LENGTH_S = 12.5
"""Three bursts of the slowest pattern."""

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Heard:
    """Pulses in a burst, length of a pulse and time from burst to burst in seconds: the columns of the table."""

    pulses: float
    pulse_s: float
    every_s: float

    def far_from(self, other: Heard) -> float:
        pairs = (
            (self.pulses, other.pulses),
            (self.pulse_s, other.pulse_s),
            (self.every_s, other.every_s),
        )
        return max(abs(math.log(one / two)) for one, two in pairs)


def page() -> dict[tuple[str, str], Heard]:
    """Return the rows of the page that sound."""
    found = ROW.findall(PAGE.read_text())
    return {(kind, level): Heard(int(count), float(pulse), float(every)) for kind, level, count, pulse, every in found}


def read(path: Path) -> tuple[Array, int]:
    """Return the samples of a WAV file, from -1 to 1, and their number per second."""
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return samples.astype(float) / 32768, file.getframerate()


def stretches(samples: Array, rate: int) -> tuple[list[float], list[float]]:
    """Return the lengths of pulses and of the gaps between them, in seconds; the cut ones at both ends are left out."""
    block = rate // 100
    power = np.square(samples[: len(samples) // block * block]).reshape(-1, block).mean(axis=1)
    on = power > power.max() / 3
    edges = np.flatnonzero(np.diff(on.astype(int))) + 1
    lengths = np.diff(edges) * block / rate
    begins_on = bool(on[edges[0]])
    pulses, gaps = lengths[0 if begins_on else 1 :: 2], lengths[1 if begins_on else 0 :: 2]
    return [float(one) for one in pulses], [float(one) for one in (gaps[:-1] if len(gaps) > len(pulses) else gaps)]


def listen(samples: Array, rate: int) -> Heard:
    """Measure the rhythm as a person does: a gap that is much longer than the shortest one ends a burst."""
    pulses, gaps = stretches(samples, rate)
    shortest, longest = min(gaps), max(gaps)
    ends = longest / 1.8 if longest > 1.8 * shortest else 0.0
    bursts, counted, since = [], 1, 0.0
    every = []
    for pulse, gap in zip(pulses, gaps, strict=False):
        since += pulse + gap
        if gap >= ends:
            bursts.append(counted)
            every.append(since)
            counted, since = 1, 0.0
        else:
            counted += 1
    whole = slice(1, None) if len(bursts) > 1 else slice(None)  # the recording may begin within a burst
    return Heard(float(np.median(bursts[whole])), float(np.median(pulses)), float(np.median(every[whole])))


def recognise(samples: Array, rate: int) -> tuple[str, str]:
    heard = listen(samples, rate)
    return min(page().items(), key=lambda row: row[1].far_from(heard))[0]


def recorded(folder: Path, pattern: Pattern, seconds: float = LENGTH_S) -> tuple[Array, int]:
    path = folder / "buzzer.wav"
    assert waveform.write(path, [waveform.sound(pattern, seconds)]) == pytest.approx(seconds)
    return read(path)


def test_ok__the_page_has_every_kind_that_sounds() -> None:
    assert {kind for kind, _ in page()} == set(KINDS)
    assert len(page()) == len(SOUNDING)


@pytest.mark.parametrize("row", SOUNDING, ids=NAMES)
def test_ok__kind_and_level_are_heard_from_a_recording(row: SignPattern, tmp_path: Path) -> None:
    assert recognise(*recorded(tmp_path, row.buzzer)) == (row.kind, row.level)


@pytest.mark.parametrize("clock", [0.8, 1.2])
@pytest.mark.parametrize("row", SOUNDING, ids=NAMES)
def test_ok__the_kind_is_heard_with_a_clock_that_is_wrong_by_a_fifth(
    row: SignPattern, clock: float, tmp_path: Path
) -> None:
    samples, rate = recorded(tmp_path, row.buzzer)
    assert recognise(samples, round(rate * clock))[0] == row.kind


@pytest.mark.parametrize("row", SOUNDING, ids=NAMES)
def test_ok__the_kind_is_heard_with_every_duration_wrong_by_up_to_a_fifth_in_noise_and_from_anywhere(
    row: SignPattern, tmp_path: Path
) -> None:
    rng = np.random.default_rng(NAMES.index(f"{row.kind} {row.level}"))
    for turn in range(5):
        lengths = np.tile(row.buzzer.seconds, 1 + round(24 / row.buzzer.every_s))
        uneven = Pattern(tuple(float(one) for one in lengths * rng.uniform(0.8, 1.2, len(lengths))))
        (tmp_path / str(turn)).mkdir()
        samples, rate = recorded(tmp_path / str(turn), uneven, 20.0)
        begin = int(rng.uniform(0, 4) * rate)
        noisy = samples[begin:] + rng.normal(0, 0.1, len(samples) - begin)
        assert recognise(noisy, rate)[0] == row.kind, "noise 12 dB below the tone"


def test_ok__the_first_pulse_sounds_within_50_ms(tmp_path: Path) -> None:
    for row in SOUNDING:
        samples = waveform.sound(row.buzzer, 1.0).astype(float)
        assert np.abs(samples[: waveform.RATE_HZ // 20]).max() > 0.9 * waveform.PEAK


def test_ok__silence_follows_and_a_pattern_that_is_always_on_or_off_can_be_written_too(tmp_path: Path) -> None:
    assert not waveform.sound(Pattern(), 1.0).any()
    steady = waveform.sound(STEADY, 1.0, silence_s=0.5)
    assert len(steady) == 1.5 * waveform.RATE_HZ
    assert np.abs(steady[: waveform.RATE_HZ]).max() > 0.9 * waveform.PEAK
    assert not steady[-7000:].any()


def test_fail__a_file_that_exists_is_kept_and_one_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    kept = tmp_path / "mine.wav"
    kept.write_text("music")
    sound = [waveform.sound(STEADY, 0.1)]
    with pytest.raises(OutputError, match=r"mine\.wav: the file exists already; move it or choose another name"):
        waveform.write(kept, sound)
    assert kept.read_text() == "music"
    with pytest.raises(OutputError, match=r"a\.wav: cannot be created: No such file or directory; check the folder"):
        waveform.write(tmp_path / "none" / "a.wav", sound)


def test_fail__a_full_disk_leaves_no_half_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(wave.Wave_write, "writeframes", full)
    with pytest.raises(OutputError, match=r"a\.wav: cannot be written: No space left on device; check the disk"):
        waveform.write(tmp_path / "a.wav", [waveform.sound(STEADY, 0.1)])
    assert not list(tmp_path.iterdir())

"""The table of patterns: kinds can be told apart, sleep is the most urgent, and the installer's page shows the same."""

from __future__ import annotations

import math
from itertools import combinations
from pathlib import Path

import pytest

from driver_monitor.data.alert import KINDS, LEVELS, SIGNS, Kind, Level, Sign
from driver_monitor.gpio.pattern import Pattern, bursts
from driver_monitor.gpio.patterns import APART, OF_SIGN, TABLE

PAGE = Path(__file__).parents[2] / "docs" / "install.md"
AUDIBLE: tuple[Level, ...] = ("warning", "critical")


def apart(one: Pattern, other: Pattern) -> float:
    """The largest of the factors in pulses, length of a pulse, and time from burst to burst."""
    if not (one.pulses and other.pulses):
        return 1.0 if one == other else math.inf
    pairs = (
        (one.pulses, other.pulses),
        (one.seconds[0], other.seconds[0]),
        (one.every_s, other.every_s),
    )
    return max(max(a, b) / min(a, b) for a, b in pairs)


def per_s(pattern: Pattern) -> float:
    return pattern.pulses / pattern.every_s


def buzzer(kind: Kind, level: Level) -> Pattern:
    return OF_SIGN[Sign(kind, level)].buzzer


def test_ok__every_sign_has_its_row_and_the_rows_are_in_the_order_of_urgency() -> None:
    assert [Sign(row.kind, row.level) for row in TABLE] == list(SIGNS)


@pytest.mark.parametrize(("one", "other"), list(combinations(KINDS, 2)), ids=str)
def test_ok__no_two_kinds_are_closer_than_stated(one: Kind, other: Kind) -> None:
    rows = [(a, b) for a in TABLE for b in TABLE if (a.kind, b.kind) == (one, other)]
    sounds = [apart(a.buzzer, b.buzzer) for a, b in rows if a.buzzer.seconds and b.buzzer.seconds]
    assert min(sounds) >= APART - 1e-9
    assert min(apart(a.led, b.led) for a, b in rows) >= APART - 1e-9


@pytest.mark.parametrize("asleep", AUDIBLE)
@pytest.mark.parametrize("away", AUDIBLE)
def test_ok__sleep_even_a_microsleep_is_more_urgent_than_any_distraction(asleep: Level, away: Level) -> None:
    sleep, distraction = buzzer("sleep", asleep), buzzer("distraction", away)
    assert per_s(sleep) > per_s(distraction), "faster"
    assert sleep.seconds[1] < distraction.seconds[1], "shorter pauses between the pulses"
    assert sleep.pulses > distraction.pulses or sleep.seconds[-1] < distraction.seconds[1], "more pulses, or no end"


def test_ok__from_sleep_on_the_pulses_become_rarer_and_each_level_is_faster_than_the_one_below() -> None:
    for level in AUDIBLE:
        rates = [per_s(buzzer(kind, level)) for kind in KINDS if kind != "unresponsive"]
        assert rates == sorted(rates, reverse=True)
        assert len(set(rates)) == len(rates)
    for kind in KINDS:
        assert per_s(buzzer(kind, "critical")) > per_s(buzzer(kind, "warning"))


def test_ok__unresponsive_sounds_for_the_longest_share_of_the_time() -> None:
    for level in AUDIBLE:
        shares = {kind: sum(buzzer(kind, level).seconds[::2]) / buzzer(kind, level).every_s for kind in KINDS}
        assert max(shares, key=shares.__getitem__) == "unresponsive"


def test_ok__the_buzzer_can_follow_and_info_is_silent() -> None:
    for row in TABLE:
        assert bool(row.buzzer.seconds) == (row.level != "info")
        assert min(row.buzzer.seconds, default=1.0) >= 0.1, "a small buzzer rises slowly"
        assert row.led.seconds, "an LED shows every sign"


def test_ok__no_light_flashes_more_than_three_times_a_second() -> None:
    for row in TABLE:
        burst = [sum(row.led.seconds[: 2 * pulse]) for pulse in range(row.led.pulses)]
        starts = [index * row.led.every_s + start for index in range(4) for start in burst]
        for start in starts:
            assert sum(start <= other < start + 1 - 1e-9 for other in starts) <= 3, (row, "WCAG 2.3.1")


def test_ok__a_pattern_in_words() -> None:
    assert (Pattern().words(), Pattern((1.0,)).words()) == ("off", "on")
    double = bursts(2, 0.12, 0.12, 1.5)
    assert double.words() == "2 x 0.12 s every 1.5 s"
    assert double.durations() == "on 0.12, off 0.12, on 0.12, off 1.14 s, repeated"


def test_ok__the_installers_page_shows_this_table() -> None:
    shown = [[cell.strip() for cell in line.strip("| \n").split("|")] for line in PAGE.read_text().splitlines()
             if line.startswith(tuple(f"| {kind} | {level} | " for kind in KINDS for level in LEVELS))]  # fmt: skip
    expected = [[row.kind, row.level, row.buzzer.words() if row.buzzer.seconds else "silent", row.led.words()]
                for row in TABLE]  # fmt: skip
    assert shown == expected
    assert f"factor {APART:g}" in PAGE.read_text()

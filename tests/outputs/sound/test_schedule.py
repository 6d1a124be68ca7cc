"""Which sound begins when: no clock, no thread, no process."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.data.alert import KINDS, SIGNS, Sign
from driver_monitor.outputs.sound import sounds
from driver_monitor.outputs.sound.schedule import WORDS_EVERY_S, SoundSchedule

MOST_S = 30.0
ASLEEP, MICROSLEEP = Sign("sleep", "critical"), Sign("sleep", "warning")
DISTRACTED, TIRED = Sign("distraction", "warning"), Sign("drowsiness", "info")
SOUNDING = [sign for sign in SIGNS if sign.level != "info"]

Begun = list[tuple[float, list[str]]]


def played(script: list[tuple[float, Sign | None]], until: float, words: bool = False) -> Begun:
    """Return when what began to sound. `script`: the signs, each with its time."""
    schedule, begun, now = SoundSchedule(MOST_S), Begun(), 0.0
    changes = [*script, (until, None)]
    for (at, sign), (end, _) in itertools.pairwise(changes):
        now = at
        schedule.show(sign, sounds.words_file(sign.kind) if sign and words else None, now)
        while now < end:
            if (step := schedule.step(now)) is not None:
                begun.append((round(now, 3), [path.stem for path in step.files]))
            wait_s = schedule.wait_s(now)
            if wait_s is None or now + wait_s >= end:
                break
            now += wait_s
    return begun


def test_ok__a_critical_sound_goes_on_until_the_alert_ends() -> None:
    begun = played([(1.0, ASLEEP), (200.0, None)], until=300.0)
    assert [at for at, _ in begun][:3] == [1.0, 2.6, 4.2], "eight pulses of 0.2 s in one file"
    assert 198.0 < begun[-1][0] < 200.0
    assert {file for _, files in begun for file in files} == {"sleep-critical"}


def test_ok__a_warning_sounds_as_long_as_the_buzzer_does() -> None:
    begun = played([(0.0, DISTRACTED)], until=100.0)
    assert [at for at, _ in begun] == [1.5 * number for number in range(20)]


def test_ok__a_warning_that_gets_worse_sounds_again() -> None:
    begun = played([(0.0, DISTRACTED), (60.0, MICROSLEEP)], until=200.0)
    assert begun[20] == (60.0, ["sleep-warning"])
    assert 88.0 < begun[-1][0] < 90.0
    milder = played([(0.0, MICROSLEEP), (20.0, DISTRACTED)], until=200.0)
    assert milder[-1][0] < 30.0, "a milder sign does not sound longer"


def test_ok__each_sign_has_the_time_between_bursts_of_the_buzzer() -> None:
    for sign in SOUNDING:
        (first, _), (second, _) = played([(0.0, sign)], until=20.0)[:2]
        assert (second - first) == pytest.approx(sounds.bursts(sign) * sounds.pattern(sign).every_s)
        assert second - first >= 1.5 - 1e-9, "aplay is not started more often"
        assert second - first >= sounds.seconds(sounds.chime(sign) or Path())


def test_ok__words_come_with_the_first_chime_and_then_every_ten_seconds() -> None:
    for sign in SOUNDING:
        begun = played([(0.0, sign)], until=29.0, words=True)
        spoken = [at for at, files in begun if len(files) > 1]
        assert begun[0] == (0.0, [f"{sign.kind}-{sign.level}", f"words-{sign.kind}"]), "the chime first"
        assert all(after - at >= WORDS_EVERY_S for at, after in itertools.pairwise(spoken))
        assert len(spoken) >= 2


@pytest.mark.parametrize("kind", KINDS)
def test_ok__info_sounds_once_and_only_where_it_tells_the_driver_what_to_do(kind: str) -> None:
    (sign,) = [sign for sign in SIGNS if (sign.kind, sign.level) == (kind, "info")]
    begun = played([(0.0, sign)], until=500.0)
    assert begun == ([(0.0, [f"{kind}-info"])] if kind in ("drowsiness", "other") else [])


def test_ok__info_is_silent_after_something_louder_and_sounds_after_quiet() -> None:
    begun = played([(0.0, MICROSLEEP), (1.0, TIRED), (50.0, None), (60.0, TIRED)], until=90.0)
    assert begun == [(0.0, ["sleep-warning"]), (60.0, ["drowsiness-info"])]


def test_ok__the_same_sign_again_does_not_start_its_sound_anew() -> None:
    schedule = SoundSchedule(MOST_S)
    assert schedule.show(ASLEEP, None, 0.0)
    assert schedule.step(0.0) is not None
    assert not schedule.show(ASLEEP, None, 0.5)
    assert schedule.step(0.5) is None


@given(st.lists(st.tuples(st.floats(0.01, 20), st.sampled_from([None, *SIGNS])), max_size=30))
def test_ok__whatever_the_signs_only_the_present_one_sounds(steps: list[tuple[float, Sign | None]]) -> None:
    schedule, now = SoundSchedule(5.0), 0.0
    for wait_s, sign in steps:
        schedule.show(sign, None, now)
        for _ in range(4):
            step = schedule.step(now)
            names = [] if step is None else [path.stem for path in step.files]
            assert not names or (sign is not None and names == [f"{sign.kind}-{sign.level}"])
            assert schedule.step(now) is None, "nothing sounds twice at a time"
            now += wait_s / 4


def test_ok__words_follow_the_alerts_of_the_same_sign() -> None:
    """As where an alert of an own rule of the kind `other` sounds, and distress comes and goes meanwhile."""
    schedule, sign = SoundSchedule(MOST_S), Sign("other", "warning")
    words = sounds.words_file(sounds.DISTRESS)
    schedule.show(sign, None, 0.0)
    assert said(schedule, 0.0) == ["other-warning"]
    assert not schedule.show(sign, words, 1.0), "what sounds goes on"
    assert said(schedule, 5.0) == ["other-warning", "words-distress"]
    schedule.show(sign, None, 6.0)
    assert said(schedule, 25.0) == ["other-warning"]


def said(schedule: SoundSchedule, now: float) -> list[str]:
    step = schedule.step(now)
    return [] if step is None else [path.stem for path in step.files]

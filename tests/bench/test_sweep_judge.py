"""The alerts of a sweep are those of the engine, and a stricter limit never raises more of them, nor earlier."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driver_monitor.bench.sweep.columns import MEANING, Columns, judged
from driver_monitor.bench.sweep.judge import TraceJudge, rule_set
from driver_monitor.bench.sweep.places import Place, places
from driver_monitor.bench.sweep.settings import Setting, parse_axes, settings_of, shown
from driver_monitor.data.driver_state import DriverState
from driver_monitor.data.observation import Observation
from driver_monitor.rules.conditions import compile_condition
from driver_monitor.rules.engine import Engine, without
from driver_monitor.rules.profile import Profile
from driver_monitor.signals.table import doubtful, reader
from tests.timeline import (
    Stretch,
    attentive,
    away,
    film,
    lap,
    no_camera,
    no_face,
    shipped,
    shut,
    states,
    unreadable,
    yawn,
)

Events = list[tuple[float, str, str, str]]
PROFILES = ("default", "euro_ncap", "eu_addw", "quiet")
"""The others are `default` with a rule more, or at a workplace."""
ACTS = (shut, away, attentive, lap, no_face, no_camera, unreadable, yawn)


@st.composite
def drives(draw: st.DrawFn) -> list[Observation]:
    """Any acts at any speed and frame rate, with frames that repeat and a time that is none."""
    lengths = st.floats(0.1, 9).map(lambda seconds: round(seconds, 2))
    acts = draw(st.lists(st.tuples(st.sampled_from(ACTS), lengths), min_size=1, max_size=6))
    speeds = st.sampled_from([None, 0.0, 3.0, 30.0, 90.0])
    parts: list[Stretch] = [attentive(2)]
    parts += [replace(act(seconds), speed_kmh=draw(speeds)) for act, seconds in acts]
    frames = film([*parts, attentive(2)], draw(st.sampled_from([6, 10, 20])), draw(st.sampled_from([0.0, 0.3])))
    if draw(st.booleans()):
        at = draw(st.integers(0, len(frames) - 1))
        frames[at:at] = [frames[at], replace(frames[at], t=frames[at].t - 1.0), replace(frames[at], t=math.nan)]
    return frames


def of_engine(profile: Profile, seen: list[DriverState]) -> Events:
    engine = Engine(profile)
    return [(e.t, e.rule, e.phase, e.level) for state in seen for e in engine.update(state).events]


def of_sweep(judge: TraceJudge, profile: Profile) -> Events:
    ids = [rule.id for rule in profile.rules]
    found = judge.judge(rule_set(profile, ids))
    events = [(a.t, rule, a.phase, a.level) for rule, one in found.items() for a in one.alerts]
    return sorted(events, key=lambda event: (event[0], ids.index(event[1])))


def any_value(place: Place, chance: random.Random) -> str:
    if isinstance(place.value, str):
        return chance.choice(("dark", "glare", "day")) if place.comparison else chance.choice(("info", "warning"))
    if place.value in (None, 0.0):
        return shown(round(chance.uniform(0, 3), 2))
    return shown(round(float(place.value or 0.0) * chance.uniform(0.2, 1.5), 3))


@pytest.mark.parametrize("name", PROFILES)
@settings(max_examples=8, deadline=None)
@given(frames=drives(), seed=st.integers(0, 10_000))
def test_ok__any_setting_gives_the_alerts_of_the_engine(name: str, frames: list[Observation], seed: int) -> None:
    chance, profile, seen = random.Random(seed), shipped(name), states(frames)
    judge = TraceJudge(seen)
    for _ in range(3):
        options = [
            f"{place.path}={any_value(place, chance)}" for place in chance.sample([*places(profile).values()], 5)
        ]
        for setting in settings_of(profile, parse_axes(profile, options)):
            if setting.profile is not None:
                assert of_sweep(judge, setting.profile) == of_engine(setting.profile, seen)


@pytest.mark.parametrize("name", PROFILES)
@settings(max_examples=3, deadline=None)
@given(frames=drives())
def test_ok__a_condition_on_columns_is_that_on_each_frame(name: str, frames: list[Observation]) -> None:
    columns = Columns(states(frames))
    conditions = [rule.when for rule in shipped(name).rules] + [rule.clear for rule in shipped(name).rules]
    for condition in conditions:
        names = [leaf.signal or "" for leaf in condition.leaves()]
        if any(name.startswith("rule.") for name in names):
            continue
        judge, read = compile_condition(condition), reader(names)
        one_by_one = [judge(without(doubtful(state), read(state))) for state in columns.states]
        assert [MEANING[code] for code in judged(condition, columns, {})] == one_by_one


STRICTER = [
    ("default", f"rules.{rule}.{inner}")
    for rule, signal in (
        ("microsleep", "eyes.closed_s"),
        ("sleep", "eyes.p_closure"),
        ("eyes_closed_or_lowered", "eyes.closed_or_lowered_s"),
        ("long_distraction", "gaze.away_s"),
        ("no_face", "face.absent_s"),
        ("camera_fault", "camera.fault_s"),
        ("repeated_glances", "gaze.glances_s"),
    )
    for inner in ("for_s", "cooldown_s", f"when.{signal}")
] + [("eu_addw", "rules.addw_fast.from_kmh"), ("eu_addw", "rules.addw_fast.patience.by_s")]


@pytest.mark.parametrize(("name", "path"), STRICTER)
@settings(max_examples=6, deadline=None)
@given(frames=drives(), values=st.lists(st.floats(0.1, 1.0), min_size=2, max_size=4, unique=True))
def test_ok__a_longer_time_or_a_higher_limit_never_raises_more_nor_earlier(
    name: str, path: str, frames: list[Observation], values: list[float]
) -> None:
    profile = shipped(name)
    highest = 1.0 if path.endswith("p_closure") else 120.0 if path.endswith("kmh") else 6.0
    ordered = ",".join(shown(round(value * highest, 3)) for value in sorted(values))
    judge, rule = TraceJudge(states(frames)), path.split(".")[1]
    raised = [
        judge.judge(rule_set(setting.profile, [rule]))[rule].raised
        for setting in sorted(settings_of(profile, parse_axes(profile, [f"{path}={ordered}"])), key=of_value)
        if setting.profile is not None
    ]
    assert len(raised) >= 2
    for laxer, stricter in pairwise(raised):
        assert len(stricter) <= len(laxer)
        assert all(late >= early for late, early in zip(stricter, laxer, strict=False))


def of_value(setting: Setting) -> float:
    return float(setting.values[0] or 0.0)


def test_ok__a_rule_that_does_not_change_is_judged_once() -> None:
    profile = shipped("default")
    judge = TraceJudge(states(film([attentive(2), shut(4), attentive(2)])))
    first, second = (
        judge.judge(rule_set(one.profile, ["sleep", "microsleep"]))
        for one in settings_of(profile, parse_axes(profile, ["rules.microsleep.for_s=0,1"]))
        if one.profile is not None
    )
    assert first["sleep"] is second["sleep"]
    assert first["microsleep"].raised != second["microsleep"].raised

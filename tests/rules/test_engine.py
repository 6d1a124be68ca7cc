"""An alert's life under rules made for the purpose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.data.alert import Value
from driver_monitor.rules.conditions import compile_condition
from driver_monitor.rules.engine import Engine
from driver_monitor.rules.profile import Condition, Profile
from tests.timeline import Stretch, attentive, away, film, no_camera, no_face, shut, states, verdicts, yawn


def nap(**changes: Any) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": "nap",
        "when": {"signal": "eyes.closed_s", "at_least": 0.5},
        "clear": {"signal": "eyes.closed_s", "at_most": 0.0},
        "level": "info",
        "message": "shut {eyes.closed_s:.1f} s, {eyes.state}",
        "clause": "a test",
    }
    return {**rule, **changes}


def live(rules: list[dict[str, Any]], *drive: Stretch) -> list[tuple[str, str, str, float]]:
    engine = Engine(Profile.model_validate({"name": "test", "rules": rules}))
    events = [event for state in states(film(drive)) for event in engine.update(state).events]
    return [(event.rule, event.phase, event.level, round(event.t, 2)) for event in events]


def test_ok__for_s_delays_and_clear_for_s_holds() -> None:
    drive = (attentive(1), shut(1.5), attentive(2))
    assert live([nap(for_s=0.3, clear_for_s=0.5)], *drive) == [
        ("nap", "raised", "info", 1.8),
        ("nap", "cleared", "info", 3.1),
    ]


def test_ok__a_clearing_that_is_interrupted_begins_anew() -> None:
    drive = (attentive(1), shut(1), attentive(0.4), shut(0.7), attentive(2))
    assert live([nap(clear_for_s=0.5)], *drive)[-1] == ("nap", "cleared", "info", 3.7)


def test_ok__of_two_limits_the_one_that_holds_is_reported() -> None:
    sides = {"any": [{"signal": "gaze.side", "is": "right"}, {"signal": "gaze.side", "is": "left"}]}
    engine = Engine(Profile.model_validate({"name": "test", "rules": [nap(when=sides)]}))
    seen = [engine.update(state) for state in states(film([attentive(5), away(1, yaw=-45.0)]))]
    assert [event.evidence.threshold for verdict in seen for event in verdict.events] == [{"gaze.side": "right"}]


def test_ok__a_blink_does_not_interrupt_a_clearing() -> None:
    drive = (attentive(1), shut(1), attentive(0.4), shut(0.2), attentive(2))
    assert live([nap(clear_for_s=0.5)], *drive)[-1] == ("nap", "cleared", "info", 2.95)


def test_ok__a_clearing_does_not_go_on_unseen() -> None:
    drive = (attentive(1), shut(1), attentive(0.4), no_camera(10), attentive(2))
    assert live([nap(clear_for_s=0.5)], *drive)[-1] == ("nap", "cleared", "info", 12.9)


def test_ok__escalation_climbs_step_by_step_and_never_down() -> None:
    steps = [{"after_s": 1, "level": "warning"}, {"after_s": 2, "level": "critical"}]
    assert [event[1:] for event in live([nap(escalate=steps)], attentive(1), shut(4), attentive(1))] == [
        ("raised", "info", 1.5),
        ("escalated", "warning", 2.5),
        ("escalated", "critical", 3.5),
        ("cleared", "critical", 5.1),
    ]


def test_ok__escalation_does_not_go_on_while_nothing_is_seen() -> None:
    steps = [{"after_s": 1, "level": "critical"}]
    reported = live([nap(escalate=steps)], attentive(1), shut(0.8), no_face(5), attentive(1))
    assert [phase for _, phase, _, _ in reported] == ["raised", "cleared"]


def test_ok__cooldown_hides_the_same_alert_and_never_a_worse_one() -> None:
    worse = {"level": "critical", "when": {"signal": "gaze.away_s", "above": 0.3}}
    rule = nap(
        when={"signal": "gaze.away_s", "above": 0.1},
        clear={"signal": "gaze.away_s", "at_most": 0},
        escalate=[worse],
        cooldown_s=60,
    )
    quick, longer = away(0.2), away(1)
    reported = live(
        [rule], attentive(2), quick, attentive(2), quick, attentive(2), longer, attentive(2), longer, attentive(2)
    )
    assert [event[1:3] for event in reported] == [
        ("raised", "info"),
        ("cleared", "info"),
        ("raised", "critical"),
        ("cleared", "critical"),
    ]


def test_ok__what_lasts_beyond_the_cooldown_is_raised_then() -> None:
    reported = live([nap(cooldown_s=3)], attentive(1), shut(1), attentive(0.5), shut(5), attentive(1))
    assert [event[1] for event in reported] == ["raised", "cleared", "raised", "cleared"]
    assert reported[2][3] == pytest.approx(reported[1][3] + 3, abs=0.06)


def test_ok__episodes_number_the_raisings_and_the_worst_comes_first() -> None:
    rules = [
        nap(),
        nap(id="deep", level="critical", attention="asleep", when={"signal": "eyes.closed_s", "at_least": 1}),
    ]
    engine = Engine(Profile.model_validate({"name": "test", "rules": rules}))
    seen = [engine.update(state) for state in states(film([attentive(1), shut(2), attentive(1), shut(0.8)]))]
    deepest = seen[50]
    assert (deepest.active, deepest.level, deepest.attention) == (("deep", "nap"), "critical", "asleep")
    episodes = [(event.rule, event.phase, event.episode) for verdict in seen for event in verdict.events]
    assert episodes == [
        ("nap", "raised", 0),
        ("deep", "raised", 1),
        ("nap", "cleared", 0),
        ("deep", "cleared", 1),
        ("nap", "raised", 2),
    ]


def test_ok__a_message_carries_what_was_measured_and_the_clearing_what_it_was_about() -> None:
    engine = Engine(Profile.model_validate({"name": "test", "rules": [nap()]}))
    seen = [engine.update(state) for state in states(film([attentive(1), shut(1), attentive(1)]))]
    first, last = (event for verdict in seen for event in verdict.events)
    assert first.message == "shut 0.5 s, closed"
    assert last.message.startswith("Over: shut 0.9")
    assert first.evidence.measured == {"eyes.closed_s": 0.5, "eyes.state": "closed"}
    assert first.evidence.threshold == {"eyes.closed_s": 0.5}
    assert first.evidence.compared == {"eyes.closed_s": "at_least"}


def test_ok__a_state_reported_twice_raises_nothing_twice() -> None:
    engine = Engine(Profile.model_validate({"name": "test", "rules": [nap()]}))
    again = [engine.update(state) for state in states(film([attentive(1), shut(1)])) for _ in range(2)]
    assert sum(len(verdict.events) for verdict in again) == 1
    assert again[-1].active == ("nap",)


def attentions(*drive: Stretch) -> list[str]:
    return [verdict.attention for verdict in verdicts(film(drive))]


def test_ok__a_blink_of_an_attentive_driver_leaves_him_attentive() -> None:
    assert set(attentions(attentive(2), shut(0.3), attentive(1))) == {"attentive"}


@pytest.mark.parametrize("before", [[], [attentive(2), no_face(1)], [attentive(2), no_camera(1)]])
def test_fail__eyes_that_are_shut_when_first_seen_are_not_attentive(before: list[Stretch]) -> None:
    seen = attentions(*before, shut(0.3))
    assert set(seen[-6:]) == {"unknown"}


def test_fail__eyes_found_shut_after_a_gap_between_frames_are_not_attentive() -> None:
    frames = film([attentive(2), shut(0.35)])
    late = [frame if frame.t < 2 else replace(frame, t=frame.t + 1) for frame in frames]
    assert [verdict.attention for verdict in verdicts(late)][-7:] == ["unknown"] * 7


SLEEPY = (attentive(2), shut(3.5))
TIRED = (attentive(3), shut(1.0), attentive(1.5)) * 15


@pytest.mark.parametrize(
    ("drive", "rule", "said"), [(SLEEPY, "sleep", "asleep"), (TIRED, "drowsiness", "drowsy")], ids=["sleep", "drowsy"]
)
@pytest.mark.parametrize("hiding", [no_face(3), no_camera(3)], ids=["no face", "no camera"])
def test_fail__an_alert_held_through_blindness_stays_active_and_says_unknown(
    drive: tuple[Stretch, ...], rule: str, said: str, hiding: Stretch
) -> None:
    seen = verdicts(film([*drive, hiding]))
    blind = seen[-int(hiding.seconds * 20) :]
    assert seen[-len(blind) - 1].attention == said
    assert all(rule in verdict.active for verdict in blind)
    assert {verdict.attention for verdict in blind} == {"unknown"}


TRUTHS = {"yes": True, "no": False, "?": None}


class Each(dict[str, Value]):
    """Values of which every look-up gives the next one."""

    def __init__(self, values: Iterator[Value]) -> None:
        self._values = values

    def __missing__(self, name: str) -> Value:
        return next(self._values)


@given(st.lists(st.sampled_from(sorted(TRUTHS)), min_size=1, max_size=5), st.booleans())
def test_ok__unknown_is_neither_true_nor_false(words: list[str], every: bool) -> None:
    parts = [Condition.model_validate({"signal": "mouth.yawns", "at_least": index + 1}) for index in range(len(words))]
    name = "all" if every else "any"
    whole = Condition.model_validate({name: [part.model_dump(by_alias=True, exclude_defaults=True) for part in parts]})
    values = [TRUTHS[word] for word in words]
    reads = iter([{True: 99.0, False: 0.0, None: None}[value] for value in values])
    verdict = compile_condition(whole)(Each(reads))
    decisive = not every
    expected = decisive if decisive in values else (None if None in values else every)
    assert verdict is expected


def test_ok__a_value_that_is_no_number_is_unknown() -> None:
    judge = compile_condition(Condition.model_validate({"signal": "eyes.closed_s", "at_most": 0}))
    assert judge({"eyes.closed_s": float("nan")}) is None


def test_ok__a_rule_whose_clearing_overlaps_its_raising_does_not_nag() -> None:
    reported = live([nap(clear={"signal": "eyes.state", "is": "closed"})], attentive(1), shut(3), attentive(1))
    assert [event[1] for event in reported] == ["raised"]


PERCLOS, YAWNS = {"signal": "perclos.value", "at_least": 0.1}, {"signal": "mouth.yawns", "at_least": 2}
TIRING = [attentive(2), shut(0.8)] * 20
YAWNING = [attentive(2), yawn(3), attentive(13), yawn(3), attentive(2)]


@pytest.mark.parametrize(
    ("when", "drive", "window_s", "covered"),
    [
        ({"any": [PERCLOS, YAWNS]}, TIRING, 60.0, True),
        ({"any": [PERCLOS, YAWNS]}, YAWNING, 300.0, False),
        ({"any": [YAWNS, PERCLOS]}, TIRING, 60.0, True),
        ({"any": [{"all": [{"signal": "perclos.coverage", "above": 0}, PERCLOS]}, YAWNS]}, YAWNING, 300.0, False),
        ({"any": [{"signal": "eyes.closed_s", "above": 0.5}, PERCLOS]}, [attentive(2), shut(1)], None, False),
    ],
)
def test_ok__evidence_names_the_window_of_what_held_and_of_nothing_else(
    when: dict[str, Any], drive: list[Stretch], window_s: float | None, covered: bool
) -> None:
    engine = Engine(Profile.model_validate({"name": "test", "rules": [nap(when=when)]}))
    events = [event for state in states(film([*drive, attentive(2)])) for event in engine.update(state).events]
    events += engine.dismiss("the test is over")
    assert {event.phase for event in events} == {"raised", "cleared"}
    for event in events:
        assert event.evidence.window_s == window_s
        assert (event.evidence.coverage is not None) is covered

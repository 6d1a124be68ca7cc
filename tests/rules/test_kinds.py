"""Each rule has a kind: what its alert warns of. Buzzer and LED show the most urgent of the active alerts."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from driver_monitor.data.alert import KINDS, LEVELS, SIGNS, Kind, Sign
from driver_monitor.rules.engine import Engine
from driver_monitor.rules.kinds import BY_SIGNAL, CLOSED_EYES, kinds
from driver_monitor.rules.profile import Profile
from driver_monitor.signals.table import SIGNALS
from tests.timeline import Stretch, attentive, away, film, no_camera, no_face, shipped, shut, states, unreadable

CLOSED = {"signal": "eyes.closed_s", "at_least": 1.0}
AWAY = {"signal": "gaze.away_s", "at_least": 2.0}
PERCLOS = {"signal": "perclos.value", "at_least": 0.2}
DISTRESS = {"signal": "emotion.distress_s", "at_least": 5.0}


def rule(when: dict[str, Any], name: str = "mine", **more: Any) -> dict[str, Any]:
    clear = {"signal": "eyes.closed_s", "at_most": 0.0}
    return {"id": name, "when": when, "clear": clear, "level": "warning", "message": "m", "clause": "a test", **more}


def profile(*rules: dict[str, Any], **more: Any) -> Profile:
    return Profile.model_validate({"name": "test", "rules": rules, **more})


def kind_of(when: dict[str, Any], **more: Any) -> Kind:
    return kinds(profile(rule(when, **more)).rules)["mine"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("default", {
            "microsleep": "sleep", "sleep": "sleep", "eyes_closed_or_lowered": "distraction",
            "long_distraction": "distraction", "repeated_glances": "distraction", "unresponsive": "unresponsive",
            "drowsiness": "drowsiness", "no_face": "degraded", "eyes_unreadable": "degraded",
            "camera_fault": "degraded", "camera_poor": "degraded", "distress": "other",
        }),
        ("eu_addw", {"addw_fast": "distraction", "addw_slow": "distraction", "ddaw": "drowsiness"}),
        ("euro_ncap_2023", {"sleepiness": "drowsiness", "microsleep": "sleep"}),
        ("euro_ncap", {
            "microsleep": "sleep", "sleep": "sleep", "eyes_closed_or_lowered": "distraction",
            "long_look_other": "distraction", "long_look_driving": "distraction", "repeated_looks": "distraction",
            "repeated_looks_other": "distraction", "phone": "distraction", "unresponsive": "unresponsive",
            "sleepiness": "drowsiness",
            "no_face": "degraded", "eyes_unreadable": "degraded", "camera_fault": "degraded",
        }),
        ("quiet", {"microsleep": "sleep", "long_distraction": "distraction", "unresponsive": "unresponsive"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_ok__the_shipped_rules_have_the_kind_that_their_name_says(name: str, expected: dict[str, Kind]) -> None:
    found = kinds(shipped(name).rules)
    assert {rule: found[rule] for rule in expected} == expected


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (CLOSED, "sleep"),
        ({"all": [AWAY, CLOSED]}, "sleep"),
        ({"any": [{"all": [CLOSED, PERCLOS]}, {"signal": "eyes.state", "is": "closed"}]}, "sleep"),
        ({"signal": "eyes.openness", "at_most": 0.1}, "sleep"),
        ({"any": [CLOSED, AWAY]}, "distraction"),
        ({"any": [CLOSED, DISTRESS]}, "other"),
        ({"signal": "eyes.closed_s", "at_most": 0.5}, "other"),
        (AWAY, "distraction"),
        ({"signal": "glances.away_s", "at_least": 2.0}, "distraction"),
        ({"signal": "eyes.closed_or_lowered_s", "at_least": 2.0}, "distraction"),
        (PERCLOS, "drowsiness"),
        ({"signal": "head.nods", "at_least": 2}, "drowsiness"),
        ({"signal": "camera.state", "is": "covered"}, "degraded"),
        ({"signal": "eyes.unread_s", "at_least": 9}, "degraded"),
        (DISTRESS, "other"),
        ({"signal": "vehicle.speed_kmh", "above": 130}, "other"),
    ],
    ids=str,
)
def test_ok__a_rule_without_kind_and_attention_has_the_kind_of_what_it_judges(
    when: dict[str, Any], expected: Kind
) -> None:
    assert kind_of(when) == expected


def test_ok__every_signal_of_the_rules_is_sorted_and_none_is_named_that_does_not_exist() -> None:
    names = {signal.name for signal in SIGNALS.values()}
    words = {name.partition(".")[0] for name in names}
    assert set(BY_SIGNAL) <= names | words
    assert set(CLOSED_EYES) <= names
    unsorted = {name for name in names if not {name, name.partition(".")[0]} & {*BY_SIGNAL, *CLOSED_EYES}}
    assert unsorted == {
        "eyes.state", "eyes.lowered", "light", "vehicle.speed_kmh", "vehicle.ignition",
        "emotion.label", "emotion.intensity", "emotion.held_s", "emotion.distress_s",
    }, "give a new signal a kind in rules/kinds.py, or a place in this list"  # fmt: skip


def test_ok__the_attention_decides_before_the_signals_and_the_key_kind_before_both() -> None:
    assert kind_of(AWAY, attention="unresponsive") == "unresponsive"
    assert kind_of(CLOSED, attention="distracted") == "distraction"
    assert kind_of(CLOSED, attention="drowsy") == "sleep", "a microsleep, however a profile calls it"
    assert kind_of(PERCLOS, attention="drowsy") == "drowsiness"
    assert kind_of({"any": [PERCLOS, CLOSED]}, attention="drowsy") == "drowsiness", "the eyes may be open"
    assert kind_of(CLOSED, attention="asleep", kind="other") == "other"


def test_ok__a_rule_that_waits_on_another_rule_has_its_kind() -> None:
    nap, late = rule(CLOSED, "nap"), {"signal": "rule.nap.held_s", "at_least": 3.0}
    guarded = {"all": [{"signal": "rule.nap.held_s", "at_most": 0.0}, DISTRESS]}
    found = kinds(profile(nap, rule(late, "worse"), rule(late, "tired", attention="drowsy"), rule(guarded)).rules)
    assert found == {"nap": "sleep", "worse": "sleep", "tired": "sleep", "mine": "other"}


def test_fail__a_kind_that_does_not_exist_is_refused_with_the_ones_that_do() -> None:
    with pytest.raises(ValidationError, match="'unresponsive', 'sleep', 'distraction', 'other'"):
        profile(rule(AWAY, kind="phone"))


def test_ok__the_list_of_signs_is_whole_and_sleep_comes_before_any_distraction() -> None:
    assert len(SIGNS) == len(set(SIGNS)) == len(KINDS) * len(LEVELS)
    place = SIGNS.index
    assert place(Sign("sleep", "warning")) < place(Sign("distraction", "critical"))
    audible = [sign for sign in SIGNS if sign.level != "info"]
    assert place(audible[-1]) < min(place(sign) for sign in SIGNS if sign.level == "info"), "info is silent"
    for kind in KINDS:
        order = [place(Sign(kind, level)) for level in ("critical", "warning", "info")]
        assert order == sorted(order)


def signs(played: Profile, *drive: Stretch) -> list[Sign | None]:
    """Return the signs of a drive, each once."""
    engine = Engine(played)
    found: list[Sign | None] = [None]
    for state in states(film(drive)):
        sign = engine.update(state).sign
        if sign != found[-1]:
            found.append(sign)
    return found[1:]


def test_ok__a_driver_who_falls_asleep_hears_sleep_then_unresponsive() -> None:
    assert signs(shipped("default"), attentive(5), shut(8), attentive(5)) == [
        Sign("sleep", "warning"),
        Sign("sleep", "critical"),
        Sign("unresponsive", "critical"),
        None,
    ]


def test_ok__a_driver_who_looks_away_hears_distraction_then_unresponsive() -> None:
    assert signs(shipped("default"), attentive(5), away(8), attentive(5))[:2] == [
        Sign("distraction", "warning"),
        Sign("unresponsive", "critical"),
    ]


@pytest.mark.parametrize("blind", [no_face(9), no_camera(9), unreadable(9)], ids=["no face", "no camera", "no eyes"])
def test_ok__a_system_that_cannot_see_shows_that(blind: Stretch) -> None:
    assert {sign.kind for sign in signs(shipped("default"), attentive(5), blind) if sign} == {"degraded"}


def test_ok__of_several_alerts_the_most_urgent_is_shown_and_not_the_first_or_the_worst_level() -> None:
    dull = rule({"signal": "eyes.closed_s", "at_least": 0.5}, "dull", kind="distraction", level="critical")
    urgent = rule(CLOSED, "urgent")
    played = profile(dull, urgent)
    assert signs(played, attentive(2), shut(3), attentive(2)) == [
        Sign("distraction", "critical"),
        Sign("sleep", "warning"),
        None,
    ]
    engine = Engine(played)
    levels = {engine.update(state).level for state in states(film([attentive(2), shut(3)]))}
    assert levels == {None, "critical"}, "the level is the worst"


def test_ok__a_silenced_alert_leaves_the_sign_to_the_others_and_standstill_makes_it_mild() -> None:
    played = profile(rule(CLOSED, "nap"), rule(CLOSED, "care", kind="other", level="critical"), acknowledge="warning")
    engine = Engine(played)
    found = []
    for state in states(film([attentive(2), shut(3)])):
        if round(state.t, 2) == 4.0:
            engine.acknowledge()
        found.append(engine.update(state).sign)
    assert Sign("sleep", "warning") in found
    assert found[-1] == Sign("other", "critical")
    stands = shipped("default").model_copy(update={"acknowledge": None})
    assert signs(stands, attentive(2, speed_kmh=0.0), shut(3, speed_kmh=0.0))[0] == Sign("sleep", "info")

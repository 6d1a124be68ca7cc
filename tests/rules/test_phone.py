"""The rule `phone` of `euro_ncap`: telephone at the ear, level info; and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from driver_monitor.config.profiles import known, load_profile
from driver_monitor.data.alert import AlertEvent, Sign
from driver_monitor.data.observation import ObjectsView
from driver_monitor.messages.privacy import PrivacyFilter
from driver_monitor.outputs.sound.sounds import chime
from driver_monitor.rules.engine import Engine
from driver_monitor.rules.kinds import kinds
from driver_monitor.state.objects.limits import PHONE_FROM
from tests.timeline import Stretch, attentive, film, no_face, shipped, states, verdicts

CLEAR = ObjectsView(0.02, 0.02, 0.02, 0.02, 0.02, 0.02)
SURE = max(0.95, PHONE_FROM)
FREE = attentive(5, objects=CLEAR, speed_kmh=60.0)
DOCS = Path(__file__).parents[2] / "docs"


def calling(seconds: float, p: float | None = SURE, **what: object) -> Stretch:
    return replace(FREE, seconds=seconds, objects=replace(CLEAR, phone_right=p), **what)  # type: ignore[arg-type]


def told(*parts: Stretch, fps: float = 20, profile: str = "euro_ncap") -> list[AlertEvent]:
    engine = Engine(shipped(profile))
    return [event for state in states(film(parts, fps)) for event in engine.update(state).events]


def phases(*parts: Stretch, fps: float = 20) -> list[tuple[str, str]]:
    return [(event.phase, event.level) for event in told(*parts, fps=fps) if event.rule == "phone"]


@pytest.mark.parametrize("fps", [5, 7, 10, 20, 30, 60])
def test_ok__a_call_is_told_after_three_seconds_and_its_end_too(fps: float) -> None:
    first, last = told(FREE, calling(6), FREE, fps=fps)
    assert (first.rule, first.phase, first.level) == ("phone", "raised", "info")
    assert first.t - 5 == pytest.approx(3.2, abs=0.45)
    assert first.message == "Telephone at the right ear for 3 s"
    assert (last.phase, last.t - 11 == pytest.approx(1.8, abs=0.7)) == ("cleared", True)
    assert first.evidence.measured["phone.at_ear_s"] >= 3.0  # type: ignore[operator]


def test_ok__a_touch_at_the_ear_is_not_told() -> None:
    assert told(FREE, calling(2.4), FREE) == []


def test_ok__it_is_silent_and_no_reason_to_call_the_driver_distracted() -> None:
    kind = kinds(shipped("euro_ncap").rules)["phone"]
    assert chime(Sign(kind, "info")) is None
    assert {verdict.attention for verdict in verdicts(film([FREE, calling(8)]), "euro_ncap")} == {"attentive"}


def test_ok__a_headset_from_the_start_on_is_never_told_and_one_put_on_later_is_told_once() -> None:
    assert phases(calling(30), fps=3) == []
    assert phases(FREE, calling(1080), fps=3) == [("raised", "info"), ("cleared", "info")]


ONE_ALERT = [("raised", "info"), ("cleared", "info")]


def test_ok__what_cannot_be_seen_raises_nothing_and_an_alert_outlasts_a_turn() -> None:
    assert phases(FREE, calling(2.5), calling(20, None), FREE) == []
    assert phases(FREE, calling(5), calling(4.5, None), calling(3)) == [("raised", "info")]


LEFT_HEADSET = [
    replace(FREE, objects=replace(CLEAR, phone_left=0.6)),
    replace(FREE, seconds=8, objects=replace(CLEAR, phone_left=0.6, phone_right=SURE)),
    replace(FREE, seconds=30, objects=replace(CLEAR, phone_left=0.6)),
]


@pytest.mark.parametrize(
    "drive",
    [
        LEFT_HEADSET,
        [FREE, calling(8), calling(30, 0.4)],
        [FREE, calling(8), calling(30, None)],
        [FREE, calling(8), no_face(12), calling(10)],
    ],
    ids=["never_free", "unclear", "out of sight", "another driver with a headset"],
)
def test_ok__an_alert_ends_some_seconds_after_a_telephone_was_last_known_and_the_next_call_is_told(
    drive: list[Stretch],
) -> None:
    events = told(*drive)
    phone = [(one.phase, one.t) for one in events if one.rule == "phone"]
    assert [phase for phase, _ in phone] == ["raised", "cleared"]
    assert phone[1][1] - 13 < 8
    assert phases(*drive, FREE, calling(5)) == [*ONE_ALERT, ("raised", "info")]


def test_ok__below_its_speed_it_is_not_told() -> None:
    slow = [replace(part, speed_kmh=19.0) for part in (FREE, calling(8), FREE)]
    assert phases(*slow) == []


@pytest.mark.parametrize("profile", known())
def test_ok__without_looks_no_profile_tells_anything_about_objects(profile: str) -> None:
    drive = [replace(part, objects=None) for part in (FREE, calling(8), FREE)]
    assert told(*drive, profile=profile) == []


@pytest.mark.parametrize("profile", sorted({*known()} - {"euro_ncap"}))
def test_ok__only_euro_ncap_tells_of_a_telephone(profile: str) -> None:
    assert told(FREE, calling(8), FREE, profile=profile) == []


@settings(max_examples=15, deadline=None)
@given(
    looks=st.lists(st.sampled_from([None, 0.02, 0.4, SURE]), min_size=5, max_size=30),
    fps=st.sampled_from([5.0, 12.0, 30.0]),
)
def test_ok__whatever_the_looks_show_an_alert_begins_in_a_call_and_ends_without_one(
    looks: list[float | None], fps: float
) -> None:
    drive = [calling(1.0, p) for p in looks]
    for event in [one for one in told(FREE, *drive, fps=fps) if one.rule == "phone"]:
        shown = looks[max(0, min(len(looks) - 1, int(event.t - 5.0 - 1e-6)))]
        before = looks[: max(1, int(event.t - 5.0) + 1)]
        if event.phase == "raised":
            assert SURE in before
            assert shown in (SURE, 0.4)
        else:
            assert 0.02 in before[-3:] or SURE not in before[-5:]


def test_ok__a_telephone_leaves_the_machine_of_a_driver_at_work_as_a_look_away_does() -> None:
    """The AI Act forbids to infer emotions at work; what the hands do is none."""
    alert = {"rule": "phone", "seq": 1, "evidence": {"measured": {"phone.at_ear_s": 3.1, "phone.side": "left"}}}
    assert PrivacyFilter({"distress"}).alert(alert) == alert
    line = {"phone": {"at_ear_s": 3.1, "side": "left", "reason": None}, "mask": True, "alerts": ["phone"]}
    assert PrivacyFilter({"distress"}).state(line) == {**line, "emotion": None}


def test_ok__the_rule_of_the_page_is_a_good_profile_and_tells_the_same(tmp_path: Path) -> None:
    page = (DOCS / "rules.md").read_text()
    (text,) = [one for one in page.split("```yaml\n")[1:] if "phone.at_ear_s" in one]
    (tmp_path / "ours.yaml").write_text(text.partition("```")[0])
    profile, _ = load_profile(str(tmp_path / "ours.yaml"))
    engine = Engine(profile)
    events = [event for state in states(film([FREE, calling(6), FREE])) for event in engine.update(state).events]
    assert [(event.rule, event.phase) for event in events] == [("phone", "raised"), ("phone", "cleared")]
    written = {rule["id"]: rule for rule in yaml.safe_load(text.partition("```")[0])["rules"]}
    assert {rule.id for rule in shipped("euro_ncap").rules} >= set(written)

"""What happens in cars, as drives: what must stay silent, and what must be reported."""

from __future__ import annotations

import random

import pytest

from driver_monitor.config.profiles import known
from driver_monitor.rules.engine import Engine
from tests.timeline import Stretch, attentive, away, film, no_camera, no_face, raised, shipped, shut, states, unreadable

CALM = attentive(5)


def rules(drive: list[Stretch], profile: str = "default", fps: float = 20.0) -> list[str]:
    return [rule for rule, _ in raised(film(drive, fps), profile)]


def sneeze() -> list[Stretch]:
    """The head is thrown forward with the eyes shut."""
    return [attentive(0.4, mouth=0.6), shut(0.4, pitch=-25.0, mouth=0.4), attentive(0.5, pitch=-10.0)]


def rubbing(seconds: float) -> list[Stretch]:
    """A hand over the eyes: sometimes a lid is seen, sometimes nothing."""
    chance = random.Random(4)
    kinds = [unreadable(0.3, "occluded"), shut(0.1), Stretch(0.2, reason="occluded")]
    return [chance.choice(kinds) for _ in range(int(seconds / 0.2))]


SILENT = {
    "a long red light, looking about": [
        attentive(3, speed_kmh=0.0), *[away(2.5), attentive(1)] * 4, attentive(20, speed_kmh=0.0),
    ],
    "a shoulder check before overtaking": [
        CALM, away(0.7, yaw=45.0), attentive(1.0), away(1.2, yaw=80.0), attentive(4),
    ],
    "mirrors, one after the other": [
        CALM, *[away(0.7, yaw=45.0), attentive(2.5), away(0.6, yaw=-35.0), attentive(2.5)] * 5,
    ],
    "laughing with the passengers": [
        CALM,
        *[attentive(0.5, mouth=0.5, opening=0.55, p_closed=0.3), attentive(0.5, mouth=0.2, opening=0.5, p_closed=0.4),
          away(0.8, yaw=-40.0), attentive(2.5, mouth=0.3)] * 5,
    ],
    "singing along": [CALM, *[attentive(1.2, mouth=0.6), attentive(0.4, mouth=0.2)] * 20],
    "three sneezes": [CALM, *sneeze(), attentive(1.5), *sneeze(), attentive(1.0), *sneeze(), attentive(5)],
    "rubbing the eyes": [CALM, *rubbing(2.5), attentive(6)],
    "the sun in the face, squinting": [
        CALM, *[attentive(2.0, opening=0.45, p_closed=0.35, light="glare"), unreadable(0.7, "glare")] * 4, attentive(4),
    ],
    "a driver with narrow eyes": [
        attentive(60, opening=0.45, p_closed=0.2), attentive(60, opening=0.42, p_closed=0.25),
    ],
    "a drink from a bottle": [CALM, attentive(3.0, pitch=15.0, mouth=0.3, mouth_hidden=0.9), attentive(5)],
    "blinking in dry air": [CALM, *[shut(0.15), attentive(1.2)] * 40],
}  # fmt: skip


@pytest.mark.parametrize("fps", [10.0, 20.0, 30.0])
@pytest.mark.parametrize("story", SILENT)
def test_ok__it_is_silent_in(story: str, fps: float) -> None:
    drive = SILENT[story]
    if story.startswith("a long red light"):
        drive = [attentive(part.seconds, yaw=part.yaw, speed_kmh=0.0) for part in drive]
        engine = Engine(shipped("default"))
        assert {engine.update(state).level for state in states(film(drive, fps))} <= {None, "info"}
        return
    assert rules(drive, fps=fps) == []


@pytest.mark.parametrize("profile", known())
def test_ok__a_sleeper_is_reported_of_under_every_profile_that_is_about_eyes(profile: str) -> None:
    reported = rules([CALM, shut(7), attentive(3)], profile)
    assert bool(reported) == (profile != "eu_addw")


def test_ok__who_dodges_the_camera_is_not_let_off() -> None:
    engine = Engine(shipped("default"))
    drive = [CALM, away(3.5), no_face(3), no_camera(4), attentive(0.1), no_face(5)]
    verdicts = [engine.update(state) for state in states(film(drive))]
    assert "long_distraction" in verdicts[int(15.4 * 20)].active
    assert all(verdict.attention != "attentive" for verdict in verdicts[int(8.6 * 20) : int(15.4 * 20)])


def test_ok__after_a_change_of_drivers_the_next_one_is_neither_asleep_nor_away() -> None:
    """Somebody shorter, with narrower eyes, who sits turned by ten degrees more."""
    first = [attentive(70, opening=1.1), no_face(15)]
    assert rules([*first, attentive(90, opening=0.6, p_closed=0.1, yaw=10.0)])[1:] == []


def test_ok__a_nap_right_after_rubbing_the_eyes_is_still_a_nap() -> None:
    assert "microsleep" in rules([CALM, *rubbing(2.0), shut(2.5), attentive(3)])


def test_ok__a_look_away_in_the_sun_is_still_one() -> None:
    glare = [attentive(6, light="glare", opening=0.5, p_closed=0.3), attentive(4, light="glare", yaw=45.0)]
    assert "long_distraction" in rules([CALM, *glare])


BOUNDARIES = [
    ("quiet", shut, 1.5, "microsleep"), ("quiet", away, 4.0, "long_distraction"), ("quiet", away, 6.0, "unresponsive"),
    ("quiet", shut, 6.0, "unresponsive"), ("euro_ncap_2023", shut, 1.0, "microsleep"),
    ("euro_ncap_2023", shut, 3.0, "sleep"), ("euro_ncap_2023", away, 3.0, "long_distraction"),
    ("fleet", shut, 1.0, "microsleep"), ("fleet", away, 3.0, "long_distraction"),
]  # fmt: skip


@pytest.mark.parametrize("fps", [10.0, 20.0, 30.0])
@pytest.mark.parametrize(("profile", "act", "limit", "rule"), BOUNDARIES)
def test_ok__just_under_is_nothing_and_just_over_is_reported_within_a_frame(
    profile: str, act: object, limit: float, rule: str, fps: float
) -> None:
    margin = 1 / fps + 0.06
    assert callable(act)
    assert rule not in rules([CALM, act(limit - margin), attentive(3)], profile, fps)
    over = dict(raised(film([CALM, act(limit + margin), attentive(3)], fps), profile))
    assert over[rule] - 5 == pytest.approx(limit, abs=1 / fps + 0.05)


@pytest.mark.parametrize("reported", [True, False])
def test_ok__karolinska_eight_is_warned_of_above_seventy(reported: bool) -> None:
    """Closures of 0.9 s every four seconds are a PERCLOS of a fifth: beyond eight."""
    for speed in (90.0, 60.0):
        closed = [shut(0.9, speed_kmh=speed)] if reported else []
        drive = [attentive(20, speed_kmh=speed), *[attentive(3.0, speed_kmh=speed), *closed] * 40]
        assert ("ddaw" in rules(drive, "eu_addw")) == (reported and speed > 70)

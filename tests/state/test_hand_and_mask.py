"""A hand on the face, an object at the mouth, a face mask, and what they hide."""

from __future__ import annotations

from dataclasses import replace

import pytest

from driver_monitor.data.driver_state import DriverState, Held
from driver_monitor.data.observation import EXPRESSIONS, Expression, EyeReason
from driver_monitor.state.tracker import StateTracker
from tests.state.looks import CLEAR, FPS, objects, seeing, tracked
from tests.timeline import Stretch, attentive, film, no_face, states


@pytest.mark.parametrize("fps", FPS)
def test_ok__a_hand_and_an_object_are_timed(fps: float) -> None:
    last = objects(states(film([seeing(3), seeing(4, hand=0.9, at_mouth=0.8)], fps)))[-1]
    assert last.hand.seconds == pytest.approx(4.0, abs=0.6)
    assert last.at_mouth.seconds == pytest.approx(4.0, abs=0.6)


def test_ok__a_chin_in_the_hand_lasts_and_a_beard_that_looks_like_an_object_does_not() -> None:
    last = tracked([seeing(3600, hand=0.9, at_mouth=0.9)])[-1]
    assert last.hand.seconds == pytest.approx(3600, abs=2)
    assert last.at_mouth == Held(None, reason="never_free")


def masks(drive: list[Stretch], fps: float = 20) -> list[bool | None]:
    return [one.mask for one in objects(states(film(drive, fps)))]


@pytest.mark.parametrize("fps", FPS)
def test_ok__a_mask_for_the_whole_drive_stays_one(fps: float) -> None:
    worn = {"mask": 0.97, "mouth_hidden": 0.97}
    slip = seeing(1, mask=0.1, mouth_hidden=0.1)
    seen = states(film([seeing(6, **worn), slip, seeing(5, **worn)], fps))
    assert {one.objects.mask for one in seen if one.objects and one.t < 2.9} == {None}
    assert {one.objects.mask for one in seen if one.objects and one.t > 3.5} == {True}
    assert {(one.mouth.opening, one.mouth.yawning) for one in seen if 1 < one.t < 6} == {(None, None)}


def test_ok__a_mask_is_no_object_at_the_mouth_however_long() -> None:
    last = tracked([seeing(3600, mask=0.97, mouth_hidden=0.97)])[-1]
    assert (last.mask, last.at_mouth.seconds) == (True, 0.0)


def test_ok__a_mask_that_is_put_on_is_known_within_three_seconds_and_in_a_turn_it_stays() -> None:
    turned = seeing(8, mask=None)
    found = masks([seeing(5), seeing(10, mask=0.95), turned])
    assert set(found[: int(2.9 * 20)]) == {None}
    assert set(found[int(3.5 * 20) : 5 * 20]) == {False}
    assert set(found[int(8.2 * 20) :]) == {True}
    assert masks([seeing(5, mask=0.95), seeing(12, mask=None)])[-1] is None


# What covers makes unknown


def test_ok__a_cup_at_the_mouth_hides_yawn_and_expression() -> None:
    angry = Expression({name: 0.93 if name == "anger" else 0.01 for name in EXPRESSIONS})
    drive = [seeing(4), attentive(6, mouth=0.9, objects=replace(CLEAR, at_mouth=0.9, mouth_hidden=0.9))]
    tracker = StateTracker()
    seen = [tracker.update(replace(frame, expression=angry)) for frame in film(drive)]
    late = [one for one in seen if one.t > 5.4]
    assert all(one.emotion for one in seen if 2 < one.t < 4)
    assert {(one.mouth.opening, one.emotion, one.occlusion and one.occlusion.mouth) for one in late} == {
        (None, None, True)
    }
    assert seen[-1].mouth.yawns == 0


@pytest.mark.parametrize(
    ("by_objects", "by_landmarks", "hidden"),
    [
        (0.9, 0.1, True),
        (0.1, 0.9, True),
        (0.1, 0.1, False),
        (0.1, None, False),
        (None, 0.9, True),
        (None, 0.1, False),
        (0.9, None, True),
        (0.4, 0.9, True),
    ],
)
def test_ok__a_mouth_that_either_net_calls_hidden_is_hidden_else_the_objects_net_decides_where_it_knows(
    by_objects: float | None, by_landmarks: float | None, hidden: bool
) -> None:
    drive = [attentive(5, mouth_hidden=by_landmarks, objects=replace(CLEAR, mouth_hidden=by_objects))]
    occlusion = states(film(drive))[-1].occlusion
    assert occlusion is not None
    assert occlusion.mouth is hidden


def test_ok__when_the_looks_stop_the_landmark_net_decides_again() -> None:
    hidden = replace(CLEAR, mouth_hidden=0.9)
    seen = states(film([attentive(5, mouth_hidden=0.1, objects=hidden), attentive(4, mouth_hidden=0.1)]))
    found = [one.occlusion.mouth for one in seen if one.occlusion]
    assert (found[4 * 20], found[-1]) == (True, False)


def test_ok__lips_guessed_behind_a_mask_that_the_objects_net_misses_are_no_yawn() -> None:
    masked = attentive(5, mouth_hidden=0.95, objects=CLEAR)
    asleep = replace(masked, seconds=4, opening=0.05, mouth=0.9)
    seen = states(film([masked, asleep]))
    assert {one.mouth.yawning for one in seen if one.t > 1} == {None}
    assert seen[-1].past_yawn_s == pytest.approx(4.0, abs=0.3)


def test_ok__two_looks_in_agreement_are_the_first_answer_about_the_mouth_and_one_is_none() -> None:
    found = [one.mouth_hidden for one in tracked([seeing(0.33, mouth_hidden=0.9), seeing(2)])]
    assert found[:3] == [None, None, False]


def test_ok__mask_and_mouth_are_known_again_only_after_looks_in_agreement_when_a_driver_returns() -> None:
    gone, back = 3.0, 5.0
    seen = states(film([seeing(6, mask=0.95), no_face(gone), seeing(back)]))
    found = {t: next(one.objects.mask for one in seen if one.t >= t and one.objects) for t in (5.9, 7.5, 8.5, 11, 13)}
    assert found == {5.9: True, 7.5: True, 8.5: None, 11: None, 13: False}


def rubbed(reason: EyeReason, hand: float, before: list[Stretch]) -> DriverState:
    """What is known after 5 s with hidden eyes and a hand on the face."""
    hidden = attentive(5, reason=reason, objects=replace(CLEAR, hand=hand))
    return states(film([*before, hidden]))[-1]


def test_ok__a_hand_that_rubs_the_eyes_is_occluded_also_if_it_looks_like_sunglasses() -> None:
    last = rubbed("sunglasses", 0.9, [seeing(5)])
    assert (last.eyes.reason, last.degraded, last.occlusion and last.occlusion.eyes) == (
        "occluded", "occluded", "occluded",
    )  # fmt: skip
    assert last.unread_s < 6
    assert rubbed("sunglasses", 0.02, [seeing(5)]).degraded == "sunglasses"
    assert rubbed("glare", 0.9, [seeing(5)]).degraded == "glare"


def test_ok__who_wears_sunglasses_still_does_with_the_chin_in_the_hand() -> None:
    glasses = attentive(5, reason="sunglasses", objects=CLEAR)
    last = rubbed("sunglasses", 0.9, [glasses])
    assert (last.eyes.reason, last.degraded) == ("sunglasses", "sunglasses")


@pytest.mark.parametrize("came_s", [1.0, 20.0])
def test_ok__sunglasses_with_a_hand_that_stays_are_sunglasses_again_after_five_seconds(came_s: float) -> None:
    """A hand that was there for long before hides no eye; one that has just come does for 5 s."""
    drive = [seeing(5), seeing(came_s, hand=0.9), attentive(12, reason="sunglasses", objects=replace(CLEAR, hand=0.9))]
    seen = states(film(drive))
    since = 5 + came_s
    early, late = (
        {one.eyes.reason for one in seen if low < one.t - since < high} for low, high in ((0.2, 4.9), (5.1, 12))
    )
    assert early == {"occluded" if came_s < 2 else "sunglasses"}
    assert late == {"sunglasses"}
    assert seen[-1].degraded == "sunglasses"


def test_ok__sunglasses_are_remembered_through_a_turn_before_the_hand_came() -> None:
    hand = replace(CLEAR, hand=0.9)
    turned = attentive(6, reason="pose", yaw=60.0, objects=CLEAR)
    drive = [attentive(5, reason="sunglasses", objects=CLEAR), turned, attentive(3, reason="sunglasses", objects=hand)]
    seen = states(film(drive))
    assert {one.eyes.reason for one in seen if one.t > 11.5} == {"sunglasses"}


def test_ok__one_eye_behind_the_hand_leaves_the_other_one_readable() -> None:
    frames = film([seeing(5), seeing(3, hand=0.9)])
    half = []
    for frame in frames:
        assert frame.eyes
        dark = replace(frame.eyes.left, opening=None, p_closed=None, reason="sunglasses")
        half.append(replace(frame, eyes=replace(frame.eyes, left=dark)))
    last = states(half)[-1]
    assert (last.eyes.state, last.degraded) == ("open", None)

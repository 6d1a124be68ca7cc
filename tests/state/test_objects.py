"""Telephone, hand, object and mask over time: looks come three times a second, and what is not seen is unknown."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driver_monitor.data.driver_state import Held
from driver_monitor.data.observation import ObjectsView, Observation
from driver_monitor.state.objects.held_meter import UNSEEN_S
from driver_monitor.state.objects.limits import FREE_UP_TO, HELD_FROM, PHONE_FROM
from driver_monitor.state.objects.objects_tracker import NEW_DRIVER_S, ObjectsTracker
from driver_monitor.state.objects.own_usual import OwnUsual
from driver_monitor.timing.cadence import TimeStep
from tests.state.looks import CLEAR, FPS, LOOK_S, SURE, calling, objects, seeing, tracked
from tests.timeline import Stretch, attentive, film, no_face, states


def phones(drive: list[Stretch], fps: float = 20) -> list[float | None]:
    return [one.phone.seconds for one in objects(states(film(drive, fps)))]


def answers(*looks: float | None, every_s: float = LOOK_S) -> list[Held]:
    """What is known of a telephone at the left ear after each look. Before them, the ear was free for 2 s."""
    tracker, found = ObjectsTracker(), list[Held]()
    for number, p in enumerate([0.02] * 7 + list(looks)):
        state = tracker.update(number * every_s, replace(CLEAR, phone_left=p))
        assert state is not None
        found.append(state.phone)
    return found[7:]


# A telephone at the ear


@pytest.mark.parametrize("fps", FPS)
def test_ok__a_call_of_five_seconds_is_timed_and_ends(fps: float) -> None:
    seen = states(film([seeing(4), calling(5), seeing(4)], fps))
    before, during, after = (
        [one.objects for one in seen if low <= one.t < high and one.objects]
        for low, high in ((0, 4), (4.6, 9), (11, 13))
    )
    assert {one.phone for one in (*before, *after)} == {Held(0.0)}
    assert {one.phone_side for one in (*before, *after)} == {None}
    assert all(one.phone.seconds and one.phone_side == "left" for one in during)
    longest = max(one.phone.seconds or 0.0 for one in during)
    assert longest == pytest.approx(5.0, abs=0.6)
    times = [one.phone.seconds or 0.0 for one in during]
    assert times == sorted(times)


def test_ok__the_time_counts_from_the_first_look_and_not_from_when_it_was_certain() -> None:
    found = [one.seconds for one in answers(0.95, 0.95, 0.95, 0.95)]
    assert found == pytest.approx([0.25, 0.25 + LOOK_S, 0.25 + 2 * LOOK_S, 0.25 + 3 * LOOK_S], abs=1e-5)


def test_ok__the_right_ear_is_the_drivers_right() -> None:
    last = objects(states(film([seeing(3), seeing(3, phone_right=SURE)])))[-1]
    assert last.phone_side == "right"
    assert last.phone.seconds == pytest.approx(3.0, abs=0.4)


def test_ok__one_look_that_misses_it_ends_nothing_and_two_do() -> None:
    one, two = answers(0.95, 0.95, 0.95, 0.1, 0.95, 0.95), answers(0.95, 0.95, 0.95, 0.1, 0.1, 0.95)
    assert [held.standing for held in one] == [False, False, False, True, False, False]
    assert one[3].seconds == one[2].seconds
    assert one[5].seconds == pytest.approx((one[2].seconds or 0) + LOOK_S, abs=1e-5)
    assert [two[4].seconds, two[5].seconds] == [0.0, 0.25]


def test_ok__between_the_limits_what_is_there_stays_and_what_is_not_there_is_unknown() -> None:
    between = (PHONE_FROM + HELD_FROM) / 2
    held = answers(SURE, *[between] * 9)
    assert held[-1].seconds == pytest.approx(0.25 + 9 * LOOK_S, abs=1e-5)
    assert answers(*[between] * 9)[-1] == Held(None, reason="unclear")


def test_ok__a_hand_at_the_headrest_that_flickers_is_no_call() -> None:
    looks = [0.9, 0.1, 0.9, 0.2, 0.1, 0.8] * 60
    assert max(one.seconds or 0.0 for one in answers(*looks)) < 1.0


def test_ok__a_face_that_turns_away_in_a_call_stops_the_time_then_it_is_unknown() -> None:
    turned = attentive(9, yaw=60.0, objects=replace(CLEAR, phone_left=None))
    seen = states(film([seeing(3), calling(4), turned, calling(2)]))
    at = {t: next(one.objects for one in seen if one.t >= t) for t in (6.9, 8.5, 11.0, 13.0, 17.9)}
    assert all(at.values())
    found = {t: one.phone for t, one in at.items() if one}
    assert found[8.5].seconds == found[11.0].seconds == pytest.approx(4.0, abs=0.4)
    assert (found[6.9].standing, found[8.5].standing, found[11.0].standing) == (False, True, True)
    assert found[13.0] == Held(None, reason="lost"), "the right ear is free, but the telephone was at the left one"
    assert found[17.9].seconds == pytest.approx(2.0, abs=0.4), "seen again, it begins anew"


def test_ok__a_short_turn_does_not_end_a_call() -> None:
    seen = phones([seeing(3), calling(4), calling(2, None), calling(3)])
    assert seen[-1] == pytest.approx(7.0, abs=0.7)


def test_ok__an_ear_that_the_camera_never_sees_does_not_hide_that_the_other_one_is_free() -> None:
    assert phones([seeing(5, phone_right=None)])[-1] == 0.0
    assert objects(states(film([seeing(5, phone_right=None, phone_left=None)])))[-1].phone == Held(
        None, reason="unseen"
    )


@pytest.mark.parametrize("left", [[calling(3)], [seeing(3), seeing(3, phone_left=0.4)], [seeing(3), calling(1200)]])
def test_ok__what_was_in_doubt_at_an_ear_stays_in_doubt_out_of_sight(left: list[Stretch]) -> None:
    before = tracked(left)[-1].phone
    after = tracked([*left, calling(30, None)])[-1].phone
    assert before.seconds is None
    assert after == before
    assert tracked([*left, seeing(2), calling(30, None)])[-1].phone == Held(0.0), (
        "seen free, only unseen: the other ear"
    )


# The driver's own usual


def test_ok__a_doubtful_rest_of_a_call_becomes_usual_also_below_the_limit_from_which_a_telephone_begins() -> None:
    rest = (HELD_FROM + min(PHONE_FROM, 0.7)) / 2
    found = [one.phone for one in tracked([seeing(5), calling(4), calling(2400, rest)])]
    assert (found[9 * 3].seconds or 0.0) > 3.0
    assert found[-1] == Held(None, reason="usual")
    first = next(number for number, one in enumerate(found) if one.reason == "usual")
    assert found[first - 1].seconds or found[first - 1].reason == "lost"


@pytest.mark.parametrize("p", [0.6, 0.95, 1.0])
def test_ok__a_headset_from_the_start_on_is_unknown_and_never_a_telephone(p: float) -> None:
    found = tracked([calling(1800, p)])
    assert {one.phone.seconds for one in found} == {None}
    assert {one.phone.reason for one in found} == {"never_free"}


def test_ok__a_free_look_or_two_arm_nothing() -> None:
    found = [calling(2), seeing(0.6), calling(20)]
    assert not any(phones(found))


def minutes_told(p: float, minutes: float) -> tuple[float, list[Held]]:
    """How many minutes of a call are told, and what is known in each look."""
    found = [one.phone for one in tracked([seeing(60), calling(60 * minutes, p), seeing(10)])]
    return sum(bool(one.seconds) for one in found) * LOOK_S / 60, found


def test_ok__of_a_call_of_twenty_minutes_the_first_sixteen_are_told_and_the_rest_is_usual() -> None:
    told, found = minutes_told(0.95, 20)
    assert told == pytest.approx(16.6, abs=0.2)
    assert found[-40] == Held(None, reason="usual")
    assert found[-1] == Held(0.0), "after the call, the ear is free"


def test_ok__a_call_of_a_quarter_of_an_hour_is_told_whole() -> None:
    assert minutes_told(0.95, 15)[0] == pytest.approx(15.0, abs=0.1)


def test_ok__after_a_very_long_call_the_next_one_is_told_a_few_minutes_later() -> None:
    soon, later = (tracked([seeing(60), calling(1200), seeing(gap), calling(10)])[-1] for gap in (60, 240))
    assert soon.phone.seconds is None
    assert later.phone.seconds == pytest.approx(10.0, abs=0.4)


def test_ok__hair_that_looks_a_little_like_a_telephone_raises_the_limit() -> None:
    own = OwnUsual()
    for _ in range(3 * 3600):
        own.learn(TimeStep(0.0, LOOK_S, LOOK_S), 0.28)
    assert own.p == pytest.approx(0.28, abs=0.01)
    assert (own.exceeds(0.55), own.exceeds(0.6)) == (False, True)


def test_ok__another_driver_starts_without_what_was_usual_and_a_short_absence_keeps_it() -> None:
    short, long = ([seeing(5), no_face(gone), calling(5)] for gone in (NEW_DRIVER_S - 2, NEW_DRIVER_S + 1))
    assert phones(short)[-1] == pytest.approx(5.0, abs=0.5)
    found = objects(states(film(long)))
    assert found[-1].phone == Held(None, reason="never_free")


def test_ok__nobody_there_is_nothing_known() -> None:
    seen = states(film([seeing(3), no_face(NEW_DRIVER_S + 1)]))
    assert seen[-1].objects is None
    after_2_s = next(one.objects for one in seen if one.t >= 5.5)
    assert after_2_s is not None
    assert (after_2_s.phone, after_2_s.hand) == (Held(None, reason="unseen"), Held(None, reason="unseen"))


# Without looks, and rubbish


def test_ok__without_looks_all_is_unknown() -> None:
    assert {state.objects for state in states(film([attentive(20), no_face(2), attentive(5)]))} == {None}


@pytest.mark.parametrize("p", [math.nan, math.inf, -math.inf, None])
def test_fail__a_probability_that_is_no_number_is_unknown(p: float | None) -> None:
    nothing = ObjectsView(p, p, p, p, p, p)
    found = objects(states(film([attentive(9, objects=nothing)])))
    assert {(one.phone, one.hand, one.at_mouth, one.mask, one.mouth_hidden) for one in found} == {
        (Held(None, reason="unseen"), Held(None, reason="unseen"), Held(None, reason="unseen"), None, None)
    }


LOOKS = st.lists(
    st.one_of(st.none(), st.floats(0, 1), st.sampled_from([0.02, 0.95, math.nan])), min_size=1, max_size=120
)
GAPS = st.sampled_from([0.2, LOOK_S, 0.4, 0.7, 6.0, 11.0])


def follow(looks: list[float | None], gaps: list[float]) -> list[tuple[float, float | None, Held]]:
    """Time, look and what is known of the left ear, also between the looks."""
    tracker, t, found = ObjectsTracker(), 0.0, []
    for p, gap in zip(looks, gaps, strict=False):
        for k in range(5):
            state = tracker.update(t + k * gap / 5, replace(CLEAR, phone_left=p, phone_right=None) if k == 0 else None)
            if state is not None:
                found.append((t + k * gap / 5, p if k == 0 else None, state.phone))
        t += gap
    return found


@settings(max_examples=60, deadline=None)
@given(looks=LOOKS, gaps=st.lists(GAPS, min_size=120, max_size=120))
def test_ok__a_time_is_never_negative_never_longer_than_seen_and_a_reason_stands_where_it_is_unknown(
    looks: list[float | None], gaps: list[float]
) -> None:
    found = follow(looks, gaps)
    for _, _, held in found:
        assert (held.seconds is None) == (held.reason is not None)
        assert held.seconds is None or 0.0 <= held.seconds <= found[-1][0] + 0.25
        assert not held.standing or (held.seconds or 0.0) > 0.0
    for (before_t, _, before), (t, p, held) in pairwise(found):
        if held.seconds and before.seconds and held.seconds > before.seconds:
            assert held.seconds - before.seconds <= 0.5 + 1e-6, "only looks without a gap count"
            assert p is not None, "a frame without a look adds nothing"
        if (held.seconds or 0.0) > 0.0 and not before.seconds:
            assert p is not None
            assert p >= PHONE_FROM, "a telephone begins with a look that shows it"
        if held.seconds == 0.0 and before.seconds:
            assert p is not None
            assert p <= FREE_UP_TO, "it ends with a look that shows a free ear"
        assert t > before_t


@settings(max_examples=40, deadline=None)
@given(looks=LOOKS, more=st.floats(0, 0.4))
def test_ok__what_is_surer_is_told_for_at_least_as_long(looks: list[float | None], more: float) -> None:
    """For a hand, which has no usual probability. How long before its first look it began is known to 0.25 s only."""

    def most(higher: float) -> float:
        tracker, seconds = ObjectsTracker(), 0.0
        for number, p in enumerate(looks):
            seen = replace(CLEAR, hand=None if p is None or math.isnan(p) else min(p + higher, 1.0))
            state = tracker.update(number * LOOK_S, seen)
            assert state
            seconds = max(seconds, state.hand.seconds or 0.0)
        return seconds

    assert most(more) >= most(0.0) - 0.25


def test_ok__an_unseen_time_is_kept_for_its_limit_and_not_longer() -> None:
    tracker = ObjectsTracker()
    for number in range(12):
        tracker.update(number * LOOK_S, replace(CLEAR, hand=0.9))
    last_t = 11 * LOOK_S
    kept, gone = (tracker.update(last_t + wait_s, None) for wait_s in (UNSEEN_S, UNSEEN_S + 0.01))
    assert kept and kept.hand.standing and kept.hand.seconds  # noqa: PT018
    assert gone and gone.hand == Held(None, reason="lost")  # noqa: PT018


def test_ok__the_look_of_a_frame_counts_once_also_if_the_frame_is_repeated() -> None:
    frames: list[Observation] = film([seeing(3), calling(3)])
    again = [frame for frame in frames for _ in range(2)]
    assert [one.phone for one in objects(states(again))][1::2] == [one.phone for one in objects(states(frames))]

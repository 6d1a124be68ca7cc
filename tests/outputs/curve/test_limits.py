"""How many connections come in, and what one client may do, by a clock of our own."""

from __future__ import annotations

from driver_monitor.outputs.curve.limits import (
    BAN_S,
    BURST,
    CONNECTS,
    CONNECTS_S,
    MOST_OPEN,
    NEW_A_SECOND,
    REQUESTS,
    REQUESTS_S,
    ClientLimits,
    ConnectionLimit,
)
from driver_monitor.outputs.curve.replay import MOST_PREFIXES, REPLAY_S, Replay
from driver_monitor.outputs.curve.server import CurveMessage


def test_ok__as_many_as_may_be_open_come_in_and_the_next_one_when_one_has_gone() -> None:
    limit = ConnectionLimit(0.0)
    for number in range(MOST_OPEN):
        assert not limit.is_reached(0.0 + number)
        limit.accepted(number)
    assert limit.is_reached(1000.0)
    limit.ended(3)
    limit.ended(999)
    assert not limit.is_reached(1000.0)


def test_ok__after_a_burst_new_connections_come_in_slowly_although_none_stays() -> None:
    limit = ConnectionLimit(0.0)
    for number in range(BURST):
        limit.accepted(number)
        limit.ended(number)
    assert limit.is_reached(0.0)
    assert limit.is_reached(0.9 / NEW_A_SECOND)
    assert not limit.is_reached(2.1 / NEW_A_SECOND)


def test_ok__after_all_have_ended_there_is_room() -> None:
    limit = ConnectionLimit(0.0)
    for number in range(MOST_OPEN):
        limit.accepted(number)
    limit.forget()
    assert not limit.is_reached(60.0)


def test_fail__a_client_that_connects_again_and_again_must_wait_and_another_need_not() -> None:
    limits = ClientLimits()
    assert all(limits.may_connect("a", float(second)) for second in range(CONNECTS))
    assert not limits.may_connect("a", float(CONNECTS))
    assert limits.may_connect("b", float(CONNECTS))
    assert limits.may_connect("a", CONNECTS_S + 0.5)
    assert not limits.may_connect("a", CONNECTS_S + 0.6)


def test_ok__a_client_whose_connection_was_ended_here_need_not_wait() -> None:
    limits = ClientLimits()
    for _ in range(CONNECTS + 1):
        limits.may_connect("a", 0.0)
    limits.forget_connects()
    assert limits.may_connect("a", 0.0)


def test_fail__a_client_that_sends_too_much_is_told_once_and_waits_a_minute() -> None:
    limits = ClientLimits()
    assert [limits.floods("a", 1.0) for _ in range(REQUESTS + 3)] == [*[False] * REQUESTS, True, False, False]
    assert not limits.floods("b", 1.0)
    assert not limits.may_connect("a", BAN_S)
    assert limits.may_connect("a", 1.0 + BAN_S)


def test_ok__a_client_with_many_subscriptions_is_no_flood() -> None:
    limits = ClientLimits()
    for again in range(5):
        assert not any(limits.floods("a", 100.0 + again * (REQUESTS_S + 0.1)) for _ in range(REQUESTS))


def test_ok__of_a_key_that_is_no_more_on_the_list_nothing_is_kept() -> None:
    limits = ClientLimits()
    for key in ("a", "b"):
        for _ in range(CONNECTS):
            limits.may_connect(key, 0.0)
    limits.forget_all_but(frozenset({"b"}))
    assert limits.may_connect("a", 0.0)
    assert not limits.may_connect("b", 0.0)


LAST = [CurveMessage("alert", b"alert/sleep/", b""), CurveMessage("status", b"status/", b"")]


def test_ok__what_a_new_subscription_matches_is_repeated_once() -> None:
    replay = Replay()
    assert not replay.is_due(10.0)
    assert replay.wait_s(10.0, 0.25) == 0.25
    replay.subscribed(b"alert/")
    assert replay.is_due(10.0)
    assert replay.take(LAST, 10.0) == LAST[:1]
    assert not replay.is_due(11.0)


def test_ok__subscriptions_that_never_end_cause_five_repetitions_a_second() -> None:
    replay, repeated = Replay(), 0
    for millisecond in range(1000):
        now = 5.0 + millisecond / 1000
        replay.subscribed(b"")
        assert replay.is_due(now) == (replay.wait_s(now, 0.25) == 0.0)
        if replay.is_due(now):
            repeated += len(replay.take(LAST, now)) == 2
    assert repeated == round(1 / REPLAY_S)


def test_ok__endlessly_many_prefixes_become_one() -> None:
    replay = Replay()
    for number in range(10_000):
        replay.subscribed(b"nothing%d" % number)
    assert len(replay._prefixes) == MOST_PREFIXES + 1
    assert replay.take(LAST, 0.0) == LAST

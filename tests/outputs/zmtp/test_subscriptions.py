"""Prefixes of one subscriber: only those that can match are kept, in a bounded number, and nothing is missed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.outputs.zmtp.subscriptions import MAX_ALERT_PREFIXES, Subscriptions, can_match

RULES = [f"rule_{number}" for number in range(100)]
MOST = MAX_ALERT_PREFIXES + len({"state/"[:n] for n in range(7)} | {"status/"[:n] for n in range(8)}) + len("alert/")


@pytest.mark.parametrize(
    "prefix",
    ["", "a", "alert", "alert/", "alert/s", "alert/sleep", "alert/sleep/", "s", "sta", "state/", "status/", "stat"],
)
def test_ok__every_beginning_of_a_topic_can_match(prefix: str) -> None:
    assert can_match(prefix.encode())


@pytest.mark.parametrize(
    "prefix",
    ["x", "state/x", "status//", "alerts", "alert//", "alert/Sleep", "alert/1", "alert/sleep/x", "alert/" + "a" * 41],
)
def test_ok__what_no_topic_begins_with_is_not_kept(prefix: str) -> None:
    subscriptions = Subscriptions()
    assert not can_match(prefix.encode())
    assert not subscriptions.add(prefix.encode())
    assert subscriptions.wanted == ()


def test_ok__a_hundred_thousand_prefixes_take_a_bounded_number_of_places() -> None:
    subscriptions = Subscriptions()
    for number in range(100_000):
        subscriptions.add(f"alert/rule_{number}/".encode())
        subscriptions.add(f"noise {number}".encode())
    assert subscriptions.wanted == (b"alert/",)
    subscriptions.remove(b"alert/rule_7/")
    assert b"alert/rule_7/".startswith(subscriptions.wanted), "it was replaced by all alerts"


def test_ok__one_rule_stays_when_all_alerts_are_cancelled() -> None:
    subscriptions = Subscriptions()
    subscriptions.add(b"alert/")
    subscriptions.add(b"alert/sleep/")
    subscriptions.remove(b"alert/")
    assert subscriptions.wanted == (b"alert/sleep/",)


PREFIX = (
    st.sampled_from(["state/", "status/", "alert/", *(f"alert/{rule}/" for rule in RULES)]).flatmap(
        lambda topic: st.integers(0, len(topic)).map(lambda end: topic[:end])
    )
    | st.text("alert/st_0", max_size=12)
).map(str.encode)


@given(st.lists(st.tuples(st.booleans(), PREFIX), max_size=300))
def test_ok__every_message_that_was_asked_for_matches(steps: list[tuple[bool, bytes]]) -> None:
    subscriptions, asked = Subscriptions(), set[bytes]()
    for adds, prefix in steps:
        if adds:
            subscriptions.add(prefix)
            asked.add(prefix)
        else:
            subscriptions.remove(prefix)
            asked.discard(prefix)
    for topic in (b"state/", b"status/", *(f"alert/{rule}/".encode() for rule in RULES)):
        if topic.startswith(tuple(asked)):
            assert topic.startswith(subscriptions.wanted)
    assert len(subscriptions.wanted) <= MOST

"""Which alerts are sent next, and again: the worst first, until the operator has stored them. On a fake clock."""

from __future__ import annotations

import json
import random

import pytest

from driver_monitor.data.alert import LEVELS, Level
from driver_monitor.outputs.uplink.session import (
    AGAIN_S,
    LONGEST_AGAIN_S,
    MOST_IDS,
    MOST_STUCK,
    NOBODY,
    NOBODY_S,
    REFUSED,
    SILENT_S,
    STUCK_TIMES,
    UNANSWERED,
    WINDOW,
    UplinkSession,
)
from driver_monitor.spool.entry import SpoolEntry


def entry(seq: int, level: Level = "warning") -> SpoolEntry:
    return SpoolEntry(f"id-{seq}", seq, "microsleep", level, "2026-01-01T00:00:00.000Z", b"%d" % seq)


class Disk:
    """A spool in memory: the worst first, of one level the oldest first."""

    def __init__(self, *entries: SpoolEntry) -> None:
        self.entries = {one.id: one for one in entries}

    def waiting(self, limit: int, without: frozenset[str]) -> list[SpoolEntry]:
        left = [one for one in self.entries.values() if one.id not in without]
        return sorted(left, key=lambda one: (-LEVELS.index(one.level), one.seq))[:limit]

    def confirm(self, ids: list[str]) -> None:
        for id_ in ids:
            self.entries.pop(id_, None)


class Way:
    """A car with its disk. `at`: seconds of its clock."""

    def __init__(self, *entries: SpoolEntry, online: bool = True) -> None:
        self.disk, self.session, self.at = Disk(*entries), UplinkSession(), 1000.0
        if online:
            self.session.connected(self.at, resumed=False)

    def send(self) -> list[int]:
        """Send what may be sent now. Returns the numbers."""
        while wanted := self.session.wanted():
            self.session.offer(self.disk.waiting(wanted, self.session.ids), wanted, self.at)
        return [one.seq for one in self.session.take(self.at)]

    def put(self, one: SpoolEntry) -> None:
        self.disk.entries[one.id] = one
        self.session.added()

    def broker_takes(self, *numbers: int) -> None:
        for seq in numbers:
            self.session.published(f"id-{seq}")

    def store(self, *numbers: int) -> None:
        self.disk.confirm(self.session.stored(json.dumps([f"id-{seq}" for seq in numbers]).encode()))

    def after(self, seconds: float) -> list[int]:
        self.at += seconds
        return self.send()


def test_ok__the_worst_are_sent_first_and_of_one_level_the_oldest() -> None:
    way = Way(entry(1, "info"), entry(2), entry(3, "critical"), entry(4, "info"), entry(5, "critical"))
    assert way.send() == [3, 5, 2, 1, 4]


def test_ok__few_alerts_wait_for_the_broker_and_each_answer_lets_one_follow() -> None:
    way = Way(*map(entry, range(100)))
    assert way.send() == list(range(WINDOW))
    assert way.send() == []
    way.broker_takes(0, 5)
    assert way.send() == [WINDOW, WINDOW + 1]


def test_ok__some_hundreds_wait_for_the_operator_and_the_rest_stays_on_disk() -> None:
    way = Way(*map(entry, range(UNANSWERED * 3)))
    sent: list[int] = []
    while now := way.send():
        sent += now
        way.broker_takes(*now)
    assert sent == list(range(UNANSWERED))
    way.store(7, 9)
    assert way.send() == [UNANSWERED, UNANSWERED + 1]


def test_ok__a_critical_alert_does_not_wait_behind_alerts_that_nobody_answers() -> None:
    way = Way(*map(entry, range(UNANSWERED * 2)))
    while now := way.send():
        way.broker_takes(*now)
    way.put(entry(9000, "critical"))
    assert way.send() == [9000]
    way.put(entry(9001))  # no worse than those that wait
    assert way.send() == []


def test_ok__a_critical_alert_overtakes_milder_ones_that_are_read_already() -> None:
    way = Way(*map(entry, range(100)))
    way.send()
    way.put(entry(200, "critical"))
    way.broker_takes(3)
    assert way.send() == [200]


def test_ok__what_nobody_stores_is_sent_again_after_a_minute_that_doubles_up_to_an_hour() -> None:
    way = Way(entry(1))
    assert way.send() == [1]
    way.broker_takes(1)
    waits = []
    for _ in range(9):
        waited = 0.0
        while not way.after(10.0):
            waited += 10.0
        way.broker_takes(1)
        waits.append(waited + 10.0)
    assert waits == [AGAIN_S * 2**n for n in range(6)] + [LONGEST_AGAIN_S] * 3
    assert way.session.resent == 9


def test_ok__what_no_collector_got_is_sent_again_within_seconds_that_double_up_to_the_usual_time() -> None:
    way = Way(entry(1))
    assert way.send() == [1]
    for wait_s in (NOBODY_S, 2 * NOBODY_S, 4 * NOBODY_S):
        way.session.published("id-1", NOBODY)
        assert way.after(wait_s - 0.1) == []
        assert way.after(0.1) == [1]
    for _ in range(9):
        way.session.published("id-1", NOBODY)
        assert way.after(LONGEST_AGAIN_S) == [1]
    way.session.published("id-1", NOBODY)
    assert way.after(LONGEST_AGAIN_S - 0.1) == []
    way.store(1)
    assert way.after(LONGEST_AGAIN_S) == []


def test_ok__a_new_connection_sends_again_at_once_what_the_broker_did_not_take() -> None:
    way = Way(entry(1), entry(2))
    assert way.send() == [1, 2]
    way.broker_takes(1)
    way.session.disconnected()
    assert way.after(1.0) == []
    way.session.connected(way.at, resumed=True)
    assert way.send() == [2]


def test_ok__a_broker_that_has_lost_the_session_gets_all_that_has_no_answer_again() -> None:
    way = Way(entry(1), entry(2), entry(3))
    way.broker_takes(*way.send())
    way.store(2)
    way.session.disconnected()
    way.session.connected(way.at, resumed=False)
    assert way.send() == [1, 3]


def test_ok__lost_connections_do_not_make_the_next_sending_later() -> None:
    way = Way(entry(1))
    way.send()
    for _ in range(20):
        way.session.disconnected()
        way.session.connected(way.at, resumed=True)
        assert way.send() == [1]
    way.broker_takes(1)
    assert way.after(AGAIN_S - 1) == []
    assert way.after(1) == [1]


@pytest.mark.parametrize(
    "rubbish",
    [
        b"", b"[", b"\xff\xfe", b"null", b'"id-1"', b'{"id-1": 1}', b"[1]", b'[["id-1"]]', b"[null]", b"[" * 100_000,
        b'["' + b"x" * 10_000 + b'"]',
        json.dumps([f"id-{n}" for n in range(1_000_000)]).encode(),
        json.dumps(["id-1"] * (MOST_IDS + 1)).encode(),
    ],
)  # fmt: skip
def test_fail__rubbish_as_an_answer_changes_nothing_and_is_counted(rubbish: bytes) -> None:
    way = Way(entry(1))
    way.send()
    assert way.session.stored(rubbish) == []
    assert way.session.refused == 1
    assert way.session.ids == {"id-1"}


def test_ok__an_answer_of_an_earlier_run_reaches_the_disk() -> None:
    way = Way(entry(1), entry(2), online=False)
    way.store(1)
    way.session.connected(way.at, resumed=True)
    assert way.send() == [2]


def test_fail__an_answer_with_foreign_ids_is_none_for_the_others() -> None:
    way = Way(entry(1))
    way.send()
    assert way.session.stored(b'["somebody-else"]') == ["somebody-else"]
    way.broker_takes(1)
    assert way.after(AGAIN_S) == [1]


def test_ok__nothing_is_due_while_the_broker_has_enough_to_acknowledge() -> None:
    way = Way(*map(entry, range(100)))
    way.send()
    way.send()  # reads more from the disk
    assert way.session.next_at() == way.at + SILENT_S
    way.broker_takes(0)
    assert way.session.next_at() == way.at


def test_ok__a_broker_that_takes_nothing_counts_as_silent() -> None:
    way = Way(entry(1))
    way.send()
    assert way.session.next_at() == way.at + SILENT_S
    assert not way.session.silent(way.at + SILENT_S)
    assert way.session.silent(way.at + SILENT_S + 0.1)
    way.broker_takes(1)
    assert way.session.next_at() == way.at + AGAIN_S
    assert not way.session.silent(way.at + SILENT_S + 0.1)


def test_ok__alerts_that_the_broker_refuses_take_no_place_from_others() -> None:
    way = Way(*(entry(seq, "critical") for seq in range(UNANSWERED)), *map(entry, range(1000, 1010)))
    refused: list[int] = []
    while (now := way.send()) and now[0] < 1000:
        for seq in now:
            way.session.published(f"id-{seq}", REFUSED)
        refused += now
    assert (len(refused), way.session.refused) == (UNANSWERED, UNANSWERED)
    assert now == list(range(1000, 1010))


def test_ok__alerts_that_are_never_answered_while_others_are_take_no_place_from_others() -> None:
    dead = list(range(UNANSWERED))
    way = Way(*(entry(seq, "critical") for seq in dead))
    for _ in range(STUCK_TIMES):
        while now := way.send():
            way.broker_takes(*now)
        way.at += LONGEST_AGAIN_S
    way.at -= LONGEST_AGAIN_S - 1  # before they are due again
    way.put(entry(1000))
    assert way.send() == []
    way.put(entry(1001, "critical"))
    way.disk.confirm(["id-0"])
    way.store(0)  # one place, and the newest of them has its answer
    assert way.send() == [1001]
    way.broker_takes(1001)
    way.store(1001)
    assert way.send() == [1000]


def test_ok__memory_is_bounded_whatever_waits_and_whoever_refuses() -> None:
    way = Way(*map(entry, range(5000)))
    while now := way.send():
        for seq in now:
            way.session.published(f"id-{seq}", REFUSED)
    assert len(way.session.ids) == UNANSWERED + MOST_STUCK


def test_ok__every_alert_arrives_whatever_breaks_and_none_waits_behind_a_milder_one() -> None:
    chance = random.Random(17)
    for _ in range(20):
        way = Way(*(entry(seq, chance.choice(LEVELS)) for seq in range(chance.randrange(400))))
        at_broker: list[int] = []
        for step in range(100_000):
            if not way.disk.entries:
                break
            new = way.after(chance.choice((0.0, 0.1, 5.0, 70.0)))
            for seq in new:
                if chance.random() < 0.8:  # else it is lost before the broker has it
                    at_broker.append(seq)
                    way.broker_takes(seq)
            if at_broker and chance.random() < 0.5:
                answered, at_broker = at_broker[:50], at_broker[50:]
                if chance.random() < 0.9:  # else the broker dies with them
                    way.store(*answered)
            if chance.random() < 0.2 or way.session.silent(way.at):
                way.session.disconnected()
                way.session.connected(way.at, resumed=chance.random() < 0.5)
            assert step < 99_999

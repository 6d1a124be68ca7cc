"""When a batch is due, and what the vehicles are told, without a clock and without a broker."""

from __future__ import annotations

import json
import math

from driver_monitor.fleet.collect.answers import Outbox, StoredIds, answers
from driver_monitor.fleet.collect.inbox import BATCH_ROWS, BATCH_S, Arrived, Inbox


def test_ok__a_batch_is_due_50_ms_after_its_first_message() -> None:
    inbox = Inbox()
    assert (inbox.wait_s(10.0), inbox.take(10.0), inbox.oldest_at) == (math.inf, [], math.inf)
    inbox.add(Arrived(1, None), 10.0)
    inbox.add(Arrived(2, None), 10.04)
    assert math.isclose(inbox.wait_s(10.04), 0.01, abs_tol=1e-9)
    assert inbox.take(10.049) == []
    assert [arrived.mid for arrived in inbox.take(10.0 + BATCH_S)] == [1, 2]
    assert inbox.wait_s(11.0) == math.inf


def test_ok__a_full_batch_is_due_at_once_and_the_rest_waits() -> None:
    inbox = Inbox()
    for mid in range(BATCH_ROWS + 5):
        inbox.add(Arrived(mid, None), 1.0)
    assert len(inbox.take(1.0)) == BATCH_ROWS
    assert (len(inbox), inbox.take(1.0)) == (5, [])
    assert [arrived.mid for arrived in inbox.take(1.0 + BATCH_S)] == list(range(BATCH_ROWS, BATCH_ROWS + 5))


def test_ok__each_vehicle_is_told_its_own_ids_once() -> None:
    told = list(answers([("a", "1"), ("b", "2"), ("a", "3"), ("a", "1")]))
    assert told == [StoredIds("a", ("1", "3")), StoredIds("b", ("2",))]
    assert json.loads(told[0].payload) == ["1", "3"]
    assert [len(one.ids) for one in answers(("a", str(number)) for number in range(1201))] == [500, 500, 201]


def test_ok__an_answer_is_kept_until_the_broker_has_it() -> None:
    outbox = Outbox()
    first, second = StoredIds("a", ("1",)), StoredIds("b", ("2",))
    outbox.add(first)
    outbox.add(second)
    assert outbox.next() is first
    outbox.flies(7, first)
    assert (outbox.flying, len(outbox)) == (1, 2)
    outbox.disconnected()
    assert [outbox.next(), outbox.next(), outbox.next()] == [first, second, None]
    outbox.flies(1, first)
    outbox.landed(1)
    outbox.landed(1)
    assert len(outbox) == 0


def test_fail__too_many_answers_are_forgotten_the_oldest_first() -> None:
    outbox = Outbox(most=3)
    for number in range(5):
        outbox.add(StoredIds("a", (str(number),)))
    assert (len(outbox), outbox.forgotten) == (3, 2)
    assert outbox.next() == StoredIds("a", ("2",))

"""The message of an alert: its fields, its numbers, and the same bytes in every replay."""

from __future__ import annotations

import itertools
import json
import uuid
from datetime import datetime, timedelta, timezone

from driver_monitor.data.alert import AlertEvent, Evidence, Phase
from driver_monitor.messages.envelope import (
    LiveStamper,
    Provenance,
    ReplayStamper,
    Stamper,
    envelope,
)

ORIGIN = Provenance("van-12", "models", "config", "default")
EVIDENCE = Evidence(
    {"eyes.closed_s": 1.05}, {"eyes.closed_s": 1.0}, None, None, "a clause", {"eyes.closed_s": "at_least"}, {}
)


def event(phase: Phase = "raised", episode: int = 0, t: float = 12.4004) -> AlertEvent:
    return AlertEvent(t, "microsleep", "warning", phase, "Eyes closed for 1.1 s", EVIDENCE, episode)


def live(start: int = 41) -> LiveStamper:
    numbers = itertools.count(start)
    noon = datetime(2026, 11, 20, 13, tzinfo=timezone(timedelta(hours=1)))
    return LiveStamper(lambda: next(numbers), lambda: (noon, True), "a trip", "a boot")


def test_ok__every_field_of_the_interface_is_there() -> None:
    alert = envelope(event(), live().stamp(event(), 812.3), ORIGIN)
    assert list(alert) == [
        "schema", "id", "seq", "episode", "vehicle", "trip", "boot", "t", "t_mono", "t_wall", "wall_synced",
        "rule", "level", "phase", "message", "evidence", "model", "config", "profile",
    ]  # fmt: skip
    assert alert["evidence"] == {
        "measured": {"eyes.closed_s": 1.05},
        "threshold": {"eyes.closed_s": 1.0},
        "window_s": None,
        "coverage": None,
        "clause": "a clause",
        "compared": {"eyes.closed_s": "at_least"},
        "interval": {},
    }
    assert (alert["seq"], alert["t"], alert["t_mono"]) == (41, 12.4, 812.3)
    assert alert["t_wall"] == "2026-11-20T12:00:00.000Z"
    json.dumps(alert, allow_nan=False)


def life(stamper: Stamper) -> list[dict[str, object]]:
    steps = [event("raised", 0), event("escalated", 0), event("raised", 1), event("cleared", 0), event("cleared", 1)]
    return [envelope(step, stamper.stamp(step, None), ORIGIN) for step in steps]


def test_ok__an_episode_is_the_same_from_raised_to_cleared_and_another_one_each_time() -> None:
    for stamper in (live(), ReplayStamper("ab" * 32)):
        names = [step["episode"] for step in life(stamper)]
        assert names[0] == names[1] == names[3]
        assert names[2] == names[4] != names[0]


def test_ok__ids_are_unique_and_numbers_go_up_by_one() -> None:
    for stamper in (live(), ReplayStamper("ab" * 32)):
        steps = life(stamper)
        assert len({step["id"] for step in steps}) == len(steps)
        numbers = [int(str(step["seq"])) for step in steps]
        assert numbers == list(range(numbers[0], numbers[0] + len(steps)))


def test_ok__a_replay_of_the_same_clip_gives_the_same_bytes_and_reads_no_clock() -> None:
    first, again, other = (json.dumps(life(ReplayStamper(trip))) for trip in ("aa", "aa", "bb"))
    assert first == again != other
    step = life(ReplayStamper("aa"))[0]
    assert (step["boot"], step["t_mono"], step["t_wall"]) == (None, None, None)
    assert uuid.UUID(str(step["id"])).version == 5

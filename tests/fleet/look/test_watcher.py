"""What `fleet watch` tells, message by message, on a made-up clock."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.fleet.look.event_lines import json_line, text_line
from driver_monitor.fleet.look.watcher import (
    MOST_IDS,
    MOST_VEHICLES,
    SETTLE_S,
    SILENT_S,
    BrokerMessage,
    Choice,
    FleetWatcher,
    WatchEvent,
)
from driver_monitor.messages.wire import encode
from driver_monitor.mqtt import topics
from tests.fleet.look.fleet import digest, message
from tests.fleet.store.rows import NOW

ESCAPES = "\x1b[31mred\x1b]0;title\x07\n\r\t\u202eback\u2028line\x9b2J"


def heard(vehicle: str, seq: int, retained: bool = False, **changes: Any) -> BrokerMessage:
    """An alert as the broker brings it."""
    made = message(vehicle, seq, NOW, **changes)
    payload = encode(made)
    return BrokerMessage(topics.alert(vehicle, made["rule"]), payload, NOW, digest(payload), retained)


def says(vehicle: str, online: bool, retained: bool = False) -> BrokerMessage:
    payload = encode({"schema": 1, "vehicle": vehicle, "online": online, "t_wall": None})
    return BrokerMessage(topics.online(vehicle), payload, NOW, None, retained)


def status(vehicle: str, retained: bool = False) -> BrokerMessage:
    return BrokerMessage(topics.status(vehicle), b"{}", NOW, None, retained)


class Story:
    """A watcher, what it has told, and its clock."""

    def __init__(self, **choice: Any) -> None:
        self.events: list[WatchEvent] = []
        self.watcher = FleetWatcher(Choice(**choice), self.events.append)
        self.now = 1000.0
        self.watcher.connected(self.now)

    def receive(self, *messages: BrokerMessage) -> None:
        for one in messages:
            self.watcher.receive(one, self.now)

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.watcher.check_age(self.now)

    def told(self) -> list[tuple[str, str]]:
        """What was told since the last call: (what, vehicle)."""
        found: list[tuple[str, str]] = [(event.what, event.vehicle) for event in self.events]
        self.events.clear()
        return found


def test_ok__each_alert_is_told_once_although_cars_send_it_again() -> None:
    story = Story()
    story.receive(heard("van-1", 1), heard("van-1", 1), heard("van-2", 1), heard("van-1", 2, phase="cleared"))
    assert story.told() == [("alert", "van-1"), ("alert", "van-2"), ("alert", "van-1")]


@pytest.mark.parametrize(
    ("choice", "seen"),
    [
        ({"vehicles": ("van-1",)}, {1, 2, 3}),
        ({"vehicles": ("bus-*",)}, {4}),
        ({"vehicles": ("*-1", "bus-9")}, {1, 2, 3, 4}),
        ({"level": "warning"}, {2, 3, 4}),
        ({"level": "critical"}, {3}),
        ({"rules": ("sl*",)}, {3, 4}),
        ({"rules": ("sleep", "yawning"), "level": "warning", "vehicles": ("*",)}, {3, 4}),
    ],
)
def test_ok__vehicles_levels_and_rules_can_be_chosen(choice: dict[str, Any], seen: set[int]) -> None:
    story = Story(**choice)
    story.receive(
        heard("van-1", 1, level="info", rule="yawning"),
        heard("van-1", 2),
        heard("van-1", 3, level="critical", rule="sleep"),
        heard("bus-9", 4, rule="sleep"),
    )
    assert {event.alert["seq"] for event in story.events if event.alert is not None} == seen


def test_ok__what_was_before_is_summed_up_and_what_changes_is_told() -> None:
    story = Story()
    story.receive(*(says(f"van-{number}", number < 3, retained=True) for number in range(5)))
    story.wait(SETTLE_S)
    assert [event.text for event in story.events] == ["3 vehicles online, 2 offline"]
    story.told()
    story.receive(says("van-0", False), says("van-1", True), says("van-4", True), says("new", True))
    assert story.told() == [("offline", "van-0"), ("online", "van-4"), ("online", "new")]


def test_ok__a_vehicle_that_is_online_and_sends_nothing_is_silent_once() -> None:
    story = Story()
    story.receive(says("silent", True), says("sends", True), says("parked", False))
    story.wait(SETTLE_S)
    story.told()
    for _ in range(4):
        story.wait(SILENT_S / 2)
        story.receive(status("sends"), status("silent", retained=True))
    assert story.told() == [("silent", "silent")]
    story.receive(status("silent"))
    story.receive(status("silent"))
    assert story.told() == [("back", "silent")]


def test_ok__the_loss_of_the_broker_is_told_once_and_nobody_is_called_silent_for_it() -> None:
    story = Story()
    story.receive(says("van-1", True))
    story.wait(SETTLE_S)
    story.told()
    for _ in range(3):
        story.watcher.lost("nobody listens")
        story.wait(SILENT_S)
    assert story.told() == [("broker_lost", "")]
    story.watcher.connected(story.now)
    story.receive(says("van-1", False, retained=True), says("van-2", True, retained=True))
    story.wait(SETTLE_S)
    assert story.told() == [("broker_back", ""), ("offline", "van-1"), ("online", "van-2")]


@pytest.mark.parametrize(
    "wrong",
    [
        BrokerMessage("dm/1/van-1/alert/microsleep", b"no JSON", NOW),
        BrokerMessage("dm/1/van-1/alert/microsleep", b"[" * 100_000, NOW, digest(b"[" * 100_000)),
        BrokerMessage("dm/1/van-1/alert/microsleep", heard("van-2", 1).payload, NOW, digest(heard("van-2", 1).payload)),
        BrokerMessage("dm/1/van-1/alert/sleep", heard("van-1", 1).payload, NOW, digest(heard("van-1", 1).payload)),
        BrokerMessage(
            "dm/1/van-1/alert/microsleep", heard("van-1", 1).payload.replace(b"closed", b"opened"), NOW, "0" * 64
        ),
        BrokerMessage("dm/1/van-1/online", b'{"online": "yes"}', NOW),
        heard("van-1", 1, level="fatal"),
    ],
)
def test_fail__what_the_collector_would_not_store_is_counted_and_told_once(wrong: BrokerMessage) -> None:
    story = Story()
    story.receive(wrong, wrong, heard("van-1", 7))
    assert story.told() == [("malformed", "van-1"), ("alert", "van-1")]
    assert story.watcher.malformed == 2


@pytest.mark.parametrize("topic", ["dm/1/van-1/stored", "dm/2/van-1/status", "", "x", f"dm/1/{'v' * 201}/online"])
def test_fail__other_topics_are_left_out(topic: str) -> None:
    story = Story()
    story.receive(BrokerMessage(topic, b"{}", NOW))
    assert story.told() == []


def test_ok__memory_is_bounded() -> None:
    story = Story(vehicles=("no vehicle",))
    watcher = FleetWatcher(Choice(), lambda _: None)
    for number in range(MOST_IDS + 10):
        watcher._is_new(str(number))
    for number in range(MOST_VEHICLES + 10):
        watcher._sign(f"van-{number}", float(number))
    assert (len(watcher._ids), len(watcher._signs)) == (MOST_IDS, MOST_VEHICLES)
    story.receive(heard("van-1", 1), says("van-1", True))
    assert not story.watcher._signs


def line(event: WatchEvent) -> str:
    return text_line(event, NOW, timezone.utc).plain


def alert(**changes: Any) -> WatchEvent:
    return WatchEvent("alert", "van-12", alert=message("van-12", 1, NOW, **changes))


def test_ok__a_line_has_time_vehicle_level_rule_and_text() -> None:
    assert line(alert()) == "2026-11-29 12:00:00 van-12       WARNING  microsleep raised: Eyes closed for 1.0 s"
    late = (NOW - timedelta(hours=2)).isoformat()
    assert line(alert(t_wall=late)).startswith("2026-11-29 10:00:00 van-12 ")
    assert line(alert(t_wall=late)).endswith(" (late: 2 h)")
    for unset in ({"wall_synced": False}, {"wall_synced": None}, {"t_wall": None}, {"t_wall": "soon"}):
        assert line(alert(**unset)).startswith("clock not set       van-12 ")
    assert line(WatchEvent("offline", "van-12", "offline")) == "2026-11-29 12:00:00 van-12       offline"
    assert text_line(alert(level="critical"), NOW).style == "bold white on red"


@pytest.mark.parametrize("text", [ESCAPES, "x" * 1_000_000, "\n" * 1000, "[bold]markup[/bold]"])
def test_fail__hostile_text_is_one_harmless_line(text: str) -> None:
    for event in (alert(message=text, rule=text), WatchEvent("malformed", text, text), WatchEvent("online", text)):
        told = line(event)
        assert told.isprintable()
        assert len(told) < 700
        as_json = json_line(event, NOW)
        assert as_json.isascii()
        assert as_json.isprintable()
        assert json.loads(as_json)["event"] == event.what


@given(st.dictionaries(st.sampled_from(["t_wall", "wall_synced", "message", "level", "t"]), st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.datetimes().map(str)
)))  # fmt: skip
def test_ok__every_alert_has_a_line(changes: dict[str, Any]) -> None:
    assert line(alert(**changes)).isprintable()


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59Z"])
def test_ok__the_ends_of_time_have_a_line(at: str) -> None:
    zone = timezone(timedelta(hours=14))
    assert "van-12" in text_line(alert(t_wall=at), NOW, zone).plain
    assert "van-12" in text_line(alert(t_wall=at), datetime(2026, 1, 1, tzinfo=zone), zone).plain

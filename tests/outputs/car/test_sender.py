"""What the car is told at each moment, on a fake clock, and a bus that is missing, fails and comes back."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import can
import pytest

from driver_monitor.data.alert import Attention
from driver_monitor.messages.car import CarSignal, System, car_signal
from driver_monitor.outputs.car.sender import PERIOD_S, RETRY_S, STALLED_S, CarSender
from driver_monitor.rules.engine import Engine
from driver_monitor.vehicle.can_bus import CanBus
from tests.timeline import Stretch, attentive, away, film, no_camera, no_face, shipped, shut, states, unreadable

ATTENTIVE = CarSignal("ok", "attentive")
ASLEEP = CarSignal("ok", "asleep", "asleep")
_channels = count()


class Heard(list[Mapping[str, Any]]):
    """The messages of `vehicle/dms`."""

    def words(self) -> list[tuple[str, str, str | None]]:
        return [(one["system"], one["attention"], one["warned"]) for one in self]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def sender(heard: Heard) -> CarSender:
    return CarSender(heard.append, None, 1488, "outputs.vehicle: zmq")


def test_ok__the_first_message_says_starting_and_unknown(sender: CarSender, heard: Heard) -> None:
    sender.beat(0.0)
    assert heard.words() == [("starting", "unknown", None)]


def test_ok__the_result_is_told_with_a_counter_that_begins_again(sender: CarSender, heard: Heard) -> None:
    for beat in range(20):
        sender.take(ATTENTIVE, beat * PERIOD_S)
        sender.beat(beat * PERIOD_S)
    assert set(heard.words()) == {("ok", "attentive", None)}
    assert [one["counter"] for one in heard] == [*range(16), *range(4)]
    assert [one["t_mono"] for one in heard] == pytest.approx([beat * PERIOD_S for beat in range(20)])


def test_fail__a_result_that_is_too_old_is_no_longer_told(sender: CarSender, heard: Heard) -> None:
    sender.take(ATTENTIVE, 10.0)
    for t in (10.0, 10.0 + STALLED_S, 10.0 + STALLED_S + 0.01, 3600.0):
        sender.beat(t)
    assert heard.words() == [("ok", "attentive", None)] * 2 + [("stalled", "unknown", None)] * 2
    sender.take(ATTENTIVE, 3601.0)
    sender.beat(3601.0)
    assert heard.words()[-1] == ("ok", "attentive", None)


def test_ok__a_stall_does_not_end_what_was_warned_of(sender: CarSender, heard: Heard) -> None:
    sender.take(ASLEEP, 0.0)
    sender.beat(5.0)
    assert heard.words() == [("stalled", "unknown", "asleep")]


def test_ok__the_last_message_says_off(sender: CarSender, heard: Heard) -> None:
    sender.take(ASLEEP, 0.0)
    sender.end(0.05)
    assert heard.words() == [("off", "unknown", None)]


def test_ok__a_change_is_told_from_no_change(sender: CarSender) -> None:
    assert sender.take(ATTENTIVE, 0.0)
    assert not sender.take(CarSignal("ok", "attentive"), 0.1)
    assert sender.take(ASLEEP, 0.2)


# What the pipeline makes of a drive


def told(*stretches: Stretch, profile: str = "default") -> list[CarSignal]:
    """The signal of each frame of a drive."""
    engine = Engine(shipped(profile))
    return [car_signal(state, engine.update(state)) for state in states(film(stretches))]


AT_FIRST = attentive(20.0)


def after(*stretches: Stretch) -> list[CarSignal]:
    """The signals after the first 20 s, in which the driver is attentive."""
    signals = told(AT_FIRST, *stretches)
    first = len(told(AT_FIRST))
    assert signals[first - 1] == ATTENTIVE
    return signals[first:]


@pytest.mark.parametrize(
    ("what", "attention"),
    [
        (away(3.5), "distracted"),
        (shut(4.0), "asleep"),
        (shut(7.0), "unresponsive"),
        (shut(1.5), "drowsy"),
        (away(7.0), "unresponsive"),
    ],
)
def test_ok__what_the_driver_does_is_told_and_never_called_attentive(what: Stretch, attention: Attention) -> None:
    signals = after(what)
    assert (signals[-1].attention, signals[-1].warned, signals[-1].system) == (attention, attention, "ok")
    began = next(index for index, signal in enumerate(signals) if signal.attention != "attentive")
    assert all(signal.attention != "attentive" for signal in signals[began:])


@pytest.mark.parametrize(
    ("what", "system", "reason"),
    [
        (no_camera(3.0), "blind", "no_camera"),
        (no_camera(3.0, "covered"), "blind", "covered"),
        (no_camera(3.0, "frozen"), "blind", "frozen"),
        (no_face(5.0), "blind", "no_face"),
        (unreadable(5.0), "limited", "sunglasses"),
    ],
)
def test_ok__a_system_that_sees_no_driver_says_why_and_knows_nothing(
    what: Stretch, system: System, reason: str
) -> None:
    last = after(what)[-1]
    assert (last.system, last.attention, last.degraded) == (system, "unknown", reason)


@pytest.mark.parametrize("hidden", [no_camera(20.0, "covered"), no_face(20.0), no_camera(20.0)])
def test_ok__a_sleeper_who_is_no_longer_seen_stays_warned_of(hidden: Stretch) -> None:
    signals = after(shut(7.0), hidden)
    assert signals[-1].warned == "unresponsive"
    assert signals[-1].attention == "unknown"
    assert signals[-1].system == "blind"


def test_ok__a_driver_who_looks_at_the_road_again_is_warned_of_nothing() -> None:
    assert after(shut(4.0), attentive(5.0))[-1] == ATTENTIVE


# The bus


class Wire:
    """What arrives on a virtual CAN bus."""

    def __init__(self) -> None:
        self.channel = f"to-car-{next(_channels)}"
        self.bus = can.Bus(interface="virtual", channel=self.channel)

    def frames(self) -> list[can.Message]:
        return list(iter(lambda: self.bus.recv(0), None))


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire()
    yield wire
    wire.bus.shutdown()


def on_bus(channel: str, can_id: int = 1488, interface: str = "virtual") -> CarSender:
    bus = CanBus(interface, channel, "outputs.vehicle", [], RETRY_S)
    return CarSender(None, bus, can_id, f"outputs.vehicle: can:{channel}")


@pytest.mark.parametrize("can_id", [1488, 1, 0x6FF])
def test_ok__each_beat_is_a_frame_of_eleven_bits_and_the_last_says_off(wire: Wire, can_id: int) -> None:
    sender = on_bus(wire.channel, can_id)
    sender.take(ASLEEP, 0.0)
    for beat in range(3):
        sender.beat(beat * PERIOD_S)
    sender.end(0.3)
    frames = wire.frames()
    assert [(frame.arbitration_id, frame.is_extended_id, frame.dlc) for frame in frames] == [(can_id, False, 4)] * 4
    assert [frame.data[1] & 15 for frame in frames] == [0, 1, 2, 3]
    assert [frame.data[1] >> 4 for frame in frames] == [2, 2, 2, 0]
    assert sender.faults == 0


def test_ok__zeromq_and_the_bus_have_the_same_counter(wire: Wire, heard: Heard) -> None:
    sender = CarSender(heard.append, CanBus("virtual", wire.channel), 1488, "outputs.vehicle: can")
    for beat in range(18):
        sender.beat(beat * PERIOD_S)
    sender.end(2.0)
    assert [frame.data[1] & 15 for frame in wire.frames()] == [one["counter"] for one in heard]


class BusOff:
    """A bus whose `send` fails as SocketCAN does when the controller is off or nobody takes the frames."""

    def __init__(self, error: Exception) -> None:
        self.error: Exception | None = error
        self.sent = 0

    def send(self, message: can.Message, timeout: float | None = None) -> None:
        assert timeout == 0, "never wait"
        if self.error is not None:
            raise self.error
        self.sent += 1

    def shutdown(self) -> None:
        pass


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (can.CanOperationError("Failed to transmit", errno.ENOBUFS), "check the plug, the bit rate"),
        (can.CanOperationError("Failed to transmit", errno.ENETDOWN), "ip link set CHANNEL up"),
        (OSError(errno.ENODEV, "No such device"), "correct outputs.vehicle"),
        (RuntimeError("a driver of somebody"), "a driver of somebody"),
    ],
)
def test_fail__a_bus_that_fails_costs_one_line_is_tried_again_and_stops_nothing(
    error: Exception, words: str, heard: Heard, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bus = BusOff(error)
    monkeypatch.setattr(can, "Bus", lambda **_: bus)
    sender = CarSender(heard.append, CanBus("socketcan", "can0", retry_s=RETRY_S), 1488, "outputs.vehicle: can:can0")
    sender.take(ASLEEP, 0.0)
    for beat in range(300):
        sender.beat(beat * PERIOD_S)
        _settle(sender)
    assert len(heard) == 300, "ZeroMQ goes on"
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("outputs.vehicle: can:can0: ")
    assert words in line
    assert "the car is told nothing; tried again every 1 s" in line
    assert 25 <= sender.faults <= 31
    bus.error = None
    for beat in range(300, 315):
        sender.beat(beat * PERIOD_S)
        _settle(sender)
    assert bus.sent >= 4, "within little more than RETRY_S"
    assert [record.getMessage() for record in caplog.records][1:] == [
        "outputs.vehicle: can:can0: frames are sent again"
    ]
    sender.end(40.0)


def test_fail__a_bus_that_fails_again_and_again_costs_two_lines_a_minute(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    error = can.CanOperationError("Failed to transmit", errno.ENOBUFS)
    bus = BusOff(error)
    monkeypatch.setattr(can, "Bus", lambda **_: bus)
    sender = CarSender(None, CanBus("socketcan", "can0", retry_s=RETRY_S), 1488, "outputs.vehicle: can:can0")
    for beat in range(1190):
        bus.error = error if beat % 20 == 0 else None
        sender.beat(beat * PERIOD_S)
        _settle(sender)
    lines = [record.getMessage() for record in caplog.records]
    assert sender.faults > 50
    assert len(lines) <= 4
    assert sum("frames are sent again" in line for line in lines) == sum("told nothing" in line for line in lines)
    sender.end(119.0)


def _settle(sender: CarSender) -> None:
    """Wait for the thread that opens the bus, which needs no time on the fake clock."""
    attempt = sender._bus._attempt if sender._bus else None
    if attempt is not None:
        attempt.worker.thread.join(5.0)


def test_fail__an_interface_that_does_not_exist_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    sender = on_bus("can77", interface="socketcan")
    for beat in range(50):
        sender.beat(beat * PERIOD_S)
        _settle(sender)
    sender.end(5.0)
    assert sender.faults >= 4
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("driver_monitor")]
    assert len(lines) == 1
    assert "can77" in lines[0]

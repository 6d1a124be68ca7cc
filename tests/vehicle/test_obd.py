"""The speed from the diagnostic socket, over python-can's virtual bus: every kind of car, and buses that fail."""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Callable, Iterator
from itertools import count

import can
import pytest

from driver_monitor.data.observation import UNKNOWN_VEHICLE, VehicleData
from driver_monitor.vehicle import can_bus
from driver_monitor.vehicle.can_bus import FILTERS, RETRY_S
from driver_monitor.vehicle.faults import SILENT_S
from driver_monitor.vehicle.obd import (
    AT_ONCE,
    REQUEST_EVERY_S,
    REQUEST_ID,
    REQUEST_ID_29_BIT,
    SPEED_PID,
    ObdVehicle,
)
from driver_monitor.vehicle.source import STALE_S

ANSWER_IDS = range(0x7E8, 0x7F0)
"""CAN identifiers of the answers to `REQUEST_ID` (ISO 15765-4)."""
PERIOD_S = 0.05
"""Time between two frames of the fake clock."""
ENGINE, GATEWAY = 0x18DAF110, 0x18DAF140
"""Two control units that answer with 29-bit identifiers."""
_channels = count()


def answer(identifier: int, speed: int, data: tuple[int, ...] | None = None) -> can.Message:
    whole = (3, 0x41, SPEED_PID, speed) if data is None else data
    return can.Message(arbitration_id=identifier, data=whole, is_extended_id=identifier > 0x7FF)


class ControlUnit:
    """Answers requests to `request_ids` on a virtual bus, as an engine's control unit does."""

    def __init__(self, *request_ids: int, speed: int = 63, answer_ids: tuple[int, ...] = ()) -> None:
        self.channel = f"car-{next(_channels)}"
        self.bus = can.Bus(interface="virtual", channel=self.channel)
        self.speed, self.asked = speed, list[int]()
        self._request_ids, self._answer_ids = request_ids, answer_ids

    def answer(self) -> None:
        while (frame := self.bus.recv(0)) is not None:
            self.asked.append(frame.arbitration_id)
            assert frame.is_extended_id == (frame.arbitration_id > 0x7FF)
            assert bytes(frame.data[:3]) == bytes((2, 1, SPEED_PID))
            if frame.arbitration_id in self._request_ids:
                default = ENGINE if frame.is_extended_id else ANSWER_IDS[0]
                for identifier in self._answer_ids or (default,):
                    self.bus.send(answer(identifier, self.speed))


Car = Callable[..., tuple[ControlUnit, ObdVehicle]]


@pytest.fixture
def car() -> Iterator[Car]:
    """Makes a control unit and an input on its bus, and closes both."""
    opened: list[tuple[ControlUnit, ObdVehicle]] = []

    def make(*request_ids: int, **options: object) -> tuple[ControlUnit, ObdVehicle]:
        unit = ControlUnit(*request_ids, **options)  # type: ignore[arg-type]
        opened.append((unit, ObdVehicle("virtual", unit.channel)))
        return opened[-1]

    yield make
    for unit, vehicle in opened:
        vehicle.close()
        vehicle.close()
        unit.bus.shutdown()


def drive(unit: ControlUnit, vehicle: ObdVehicle, start: float, seconds: float, *, answers: bool = True) -> VehicleData:
    """Advance the fake clock frame by frame; return what is known at the end."""
    found = UNKNOWN_VEHICLE
    for frame in range(round(seconds / PERIOD_S)):
        found = vehicle.at(start + frame * PERIOD_S)
        if answers:
            unit.answer()
    return found


@pytest.mark.parametrize("request_id", [REQUEST_ID, REQUEST_ID_29_BIT])
@pytest.mark.parametrize("speed", [0, 88, 255])
def test_ok__a_car_that_answers_one_kind_of_request_is_heard(request_id: int, speed: int, car: Car) -> None:
    unit, vehicle = car(request_id, speed=speed)
    assert drive(unit, vehicle, 0.0, 1.0) == VehicleData(float(speed), None)
    before = len(unit.asked)
    drive(unit, vehicle, 1.0, 5.0)
    assert set(unit.asked[before:]) == {request_id}, "the answered kind only"
    assert len(unit.asked) == pytest.approx(6.0 / REQUEST_EVERY_S, abs=1)
    assert not any(vehicle.counters().values())


@pytest.mark.parametrize("answer_id", [0x18DAF100, 0x18DAF10E, 0x18DAF1FF])
def test_ok__any_control_unit_may_answer(answer_id: int, car: Car) -> None:
    unit, vehicle = car(REQUEST_ID_29_BIT, answer_ids=(answer_id,))
    assert drive(unit, vehicle, 0.0, 1.0).speed_kmh == 63


def test_ok__a_car_that_answers_both_kinds_is_asked_with_one(car: Car) -> None:
    unit, vehicle = car(REQUEST_ID, REQUEST_ID_29_BIT)
    assert drive(unit, vehicle, 0.0, 5.0).speed_kmh == 63
    assert set(unit.asked) == {REQUEST_ID}


def test_ok__a_car_that_stops_answering_one_kind_is_asked_with_the_other(car: Car) -> None:
    unit, vehicle = car(REQUEST_ID)
    assert drive(unit, vehicle, 0.0, 3.0).speed_kmh == 63
    unit._request_ids = (REQUEST_ID_29_BIT,)
    assert drive(unit, vehicle, 3.0, STALE_S + 2 * REQUEST_EVERY_S + 0.2).speed_kmh == 63


def test_ok__a_speed_that_is_no_longer_answered_is_unknown(car: Car) -> None:
    for request_id in (REQUEST_ID, REQUEST_ID_29_BIT):
        unit, vehicle = car(request_id)
        assert drive(unit, vehicle, 0.0, 1.0).speed_kmh == 63
        assert drive(unit, vehicle, 1.0, STALE_S + 0.1, answers=False) == UNKNOWN_VEHICLE


def test_ok__an_answer_that_waited_while_the_daemon_was_busy_is_unknown(car: Car) -> None:
    unit, vehicle = car(REQUEST_ID, speed=0)
    vehicle.at(0.0)
    unit.answer()
    assert vehicle.at(STALE_S + 1.0) == UNKNOWN_VEHICLE, "an old standstill must not count as the present"


def test_ok__of_two_control_units_the_faster_speed_counts_in_every_frame(car: Car) -> None:
    unit, vehicle = car()
    speeds = []
    for frame in range(60):
        if frame % 10 == 1:
            unit.bus.send(answer(GATEWAY, 0))  # the other unit answers one frame later
        if frame % 10 == 2:
            unit.bus.send(answer(ENGINE, 80))
        speeds.append(vehicle.at(frame * PERIOD_S).speed_kmh)
    assert set(speeds[2:]) == {80}


def test_ok__other_frames_are_not_answers(car: Car) -> None:
    unit, vehicle = car()
    vehicle.at(0.0)
    for identifier in (0x7E7, 0x7F0, 0x123, REQUEST_ID, 0x18DAF010, 0x18DB33F1, 0x07E8 | 1 << 16):
        unit.bus.send(answer(identifier, 99))
    unit.bus.send(can.Message(arbitration_id=ANSWER_IDS[0], data=(3, 0x41, SPEED_PID, 99), is_extended_id=True))
    for data in ((0x10, 0x41, SPEED_PID, 99), (3, 0x41, 0x0C, 99), (3, 0x7F, 1, 0x12), (3, 0x41, SPEED_PID), (1,), ()):
        unit.bus.send(answer(ENGINE, 0, data))
        unit.bus.send(answer(ANSWER_IDS[0], 0, data))
    unit.bus.send(can.Message(arbitration_id=ANSWER_IDS[0], is_extended_id=False, is_remote_frame=True, dlc=8))
    assert vehicle.at(0.1) == UNKNOWN_VEHICLE


def test_ok__the_kernels_filter_lets_exactly_the_answers_pass() -> None:
    bus = can.Bus(interface="virtual", channel="filter", can_filters=FILTERS)
    passed = {
        identifier
        for identifier in (0x7DF, *range(0x7E0, 0x800), REQUEST_ID_29_BIT, ENGINE, GATEWAY, 0x18DAF0FF, 0x18DAF200)
        if bus._matches_filters(answer(identifier, 0))
    }
    bus.shutdown()
    assert passed == {*ANSWER_IDS, ENGINE, GATEWAY}


def test_ok__only_socketcan_gets_the_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere python-can filters, and its `recv` then returns None at each other frame: the rest would wait."""
    options: list[dict[str, object]] = []
    monkeypatch.setattr(can, "Bus", lambda **given: options.append(given))
    for interface in ("socketcan", "slcan"):
        ObdVehicle(interface, "can0").close()
    assert [given.get("can_filters") for given in options] == [FILTERS, None]


def test_fail__a_bus_with_more_frames_than_can_be_read_gives_no_old_speed(
    car: Car, caplog: pytest.LogCaptureFixture
) -> None:
    unit, vehicle = car()
    vehicle.at(0.0)
    speeds = []
    for frame in range(1, 46):
        unit.bus.send(answer(ENGINE, 0))
        for _ in range(AT_ONCE + 50):
            unit.bus.send(answer(0x123, 0))
        speeds.append(vehicle.at(frame * PERIOD_S).speed_kmh)
    assert speeds[-1] is None
    assert vehicle.counters()["vehicle_floods"] == 45
    assert caplog.text.count("256 or more CAN frames") == 1


def test_fail__a_car_that_does_not_answer_is_told_once_and_again_after_answers(
    car: Car, caplog: pytest.LogCaptureFixture
) -> None:
    unit, vehicle = car(REQUEST_ID_29_BIT)
    for silences in (1, 2):
        start = 100.0 * silences
        assert drive(unit, vehicle, start, 4 * SILENT_S, answers=False) == UNKNOWN_VEHICLE
        assert vehicle.counters()["vehicle_silences"] == silences
        line = f"vehicle.input: can: {unit.channel}: no value for 5 s, the speed is unknown; check that"
        assert caplog.text.count(line) == silences
        assert drive(unit, vehicle, start + 4 * SILENT_S, 3.0).speed_kmh == 63
    assert vehicle.counters()["vehicle_faults"] == 0


def finish_opening(vehicle: ObdVehicle) -> None:
    if (attempt := vehicle._bus._attempt) is not None:
        attempt.worker.thread.join(5)


@pytest.mark.parametrize("error", [NameError("no driver"), ValueError("channel"), ImportError("neovi"), TypeError()])
def test_fail__no_error_of_a_backend_stops_the_daemon(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(**_: object) -> None:
        raise error

    monkeypatch.setattr(can, "Bus", refuse)
    vehicle = ObdVehicle("kvaser", "0")
    assert vehicle.at(0.0) == UNKNOWN_VEHICLE
    assert vehicle.counters()["vehicle_faults"] == 1
    assert (str(error) or "TypeError") + "; tried again every 5 s" in caplog.text


def test_fail__a_missing_bus_is_tried_again_and_logged_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def refuse(**_: object) -> None:
        tried.append(1)
        raise OSError(19, "No such device")

    monkeypatch.setattr(can, "Bus", refuse)
    vehicle = ObdVehicle("socketcan", "can7")
    with caplog.at_level(logging.WARNING):
        for second in range(12):
            assert vehicle.at(float(second)) == UNKNOWN_VEHICLE
            finish_opening(vehicle)
    assert len(tried) == 1 + 11 // RETRY_S
    assert caplog.text.count("vehicle.input: can: can7: [Errno 19] No such device") == 1
    assert vehicle.counters() == {"vehicle_faults": len(tried), "vehicle_floods": 0, "vehicle_silences": 1}
    vehicle.close()


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol"), "the drop-in can.conf"),
        (OSError(errno.ENODEV, "No such device"), "connect the adapter"),
        (can.CanOperationError("Failed to transmit", errno.ENETDOWN), "ip link set CHANNEL up"),
    ],
)
def test_fail__a_known_error_of_socketcan_comes_with_advice(
    error: Exception, advice: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(**_: object) -> None:
        raise error

    monkeypatch.setattr(can, "Bus", refuse)
    vehicle = ObdVehicle("socketcan", "can0")
    vehicle.at(0.0)
    (line,) = caplog.messages
    assert advice in line
    assert line.endswith("; tried again every 5 s")


def test_ok__a_bus_that_comes_late_is_used(car: Car, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as early:
        early.setattr(can, "Bus", lambda **_: 1 / 0)
        late = ObdVehicle("virtual", f"car-{next(_channels)}")
        assert late.at(0.0) == UNKNOWN_VEHICLE
    unit, _ = car(REQUEST_ID_29_BIT)
    late._bus._open = lambda: can.Bus(interface="virtual", channel=unit.channel)
    late.at(RETRY_S)
    finish_opening(late)
    assert drive(unit, late, RETRY_S + PERIOD_S, 1.0).speed_kmh == 63
    late.close()


@pytest.mark.parametrize("method", ["recv", "send"])
def test_ok__a_bus_that_fails_while_driving_is_opened_again(method: str, car: Car) -> None:
    unit, vehicle = car(REQUEST_ID)
    assert drive(unit, vehicle, 0.0, 1.0).speed_kmh == 63
    bus = vehicle._bus._bus

    def fail(*_: object, **__: object) -> None:
        raise can.CanOperationError("network is down", 100)

    setattr(bus, method, fail)
    drive(unit, vehicle, 1.0, 1.0)
    assert vehicle.counters()["vehicle_faults"] == 1
    vehicle.at(RETRY_S)
    finish_opening(vehicle)
    assert drive(unit, vehicle, RETRY_S + PERIOD_S, 1.0).speed_kmh == 63
    assert vehicle._bus._bus is not bus


def test_ok__a_driver_that_waits_delays_no_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, closed = threading.Event(), threading.Event()

    class SlowBus:
        def __init__(self, **_: object) -> None:
            go_on.wait(10)

        def shutdown(self) -> None:
            closed.set()

    monkeypatch.setattr(can, "Bus", SlowBus)
    monkeypatch.setattr(can_bus, "OPEN_S", 0.0)
    vehicle = ObdVehicle("slcan", "ttyUSB0")
    for second in range(20):
        assert vehicle.at(float(second)) == UNKNOWN_VEHICLE
    assert vehicle.counters() == {"vehicle_faults": 0, "vehicle_floods": 0, "vehicle_silences": 1}
    vehicle.close()
    go_on.set()
    assert closed.wait(5), "a bus that opens too late is closed"

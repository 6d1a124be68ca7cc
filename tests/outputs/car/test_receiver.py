"""The example receiver: what it takes for true, and how soon it notices that nothing comes."""

from __future__ import annotations

import subprocess
import sys

import can
import pytest

from driver_monitor.messages.car import CarSignal
from driver_monitor.outputs.car.frame import COUNTS, crc8, encode
from driver_monitor.outputs.car.sender import PERIOD_S
from tools.car.receiver import MISSING_S, POLL_S, Received, Receiver, main

ATTENTIVE = CarSignal("ok", "attentive")
MISSING = Received("missing", "unknown", "none")


def frame(data: bytes, can_id: int = 1488, extended: bool = False) -> can.Message:
    return can.Message(arbitration_id=can_id, data=data, is_extended_id=extended)


def heard(signal: CarSignal = ATTENTIVE, beats: int = 5) -> tuple[Receiver, float]:
    """A receiver that has heard some heartbeats, and the time of the last one."""
    receiver = Receiver()
    for beat in range(beats):
        receiver.take(frame(encode(signal, beat % COUNTS)), beat * PERIOD_S)
    return receiver, (beats - 1) * PERIOD_S


def test_ok__before_the_first_frame_the_system_is_missing() -> None:
    assert Receiver().at(0.0) == MISSING


@pytest.mark.parametrize(
    ("signal", "known"),
    [
        (ATTENTIVE, Received("ok", "attentive", "none")),
        (CarSignal("ok", "asleep", "asleep"), Received("ok", "asleep", "asleep")),
        (
            CarSignal("limited", "distracted", "distracted", "sunglasses"),
            Received("limited", "distracted", "distracted"),
        ),
        (CarSignal("blind", "unknown", "unresponsive", "no_face"), Received("blind", "unknown", "unresponsive")),
        (CarSignal("stalled", "unknown", "asleep"), Received("stalled", "unknown", "asleep")),
        (CarSignal("off"), Received("off", "unknown", "none")),
        (CarSignal("starting"), Received("starting", "unknown", "none")),
    ],
)
def test_ok__a_frame_is_read(signal: CarSignal, known: Received) -> None:
    receiver, t = heard(signal, 40)
    assert receiver.at(t) == known
    assert receiver.refused == 0


@pytest.mark.parametrize("system", ["off", "starting", "blind", "stalled"])
def test_fail__attentive_is_not_believed_of_a_system_that_sees_nobody(system: str) -> None:
    receiver, t = heard(CarSignal(system, "attentive"))  # type: ignore[arg-type]
    assert receiver.at(t).attention == "unknown"


@pytest.mark.parametrize("beats", [1, 5, 100])
def test_ok__a_missing_heartbeat_is_noticed_within_half_a_second(beats: int) -> None:
    receiver, last = heard(beats=beats)
    known = [(step, receiver.at(last + step * POLL_S)) for step in range(12)]
    noticed = next(step for step, what in known if what == MISSING) * POLL_S
    assert 3 * PERIOD_S < noticed <= 0.5
    assert MISSING_S + POLL_S < 0.5


def test_ok__three_lost_frames_are_no_silence() -> None:
    receiver, last = heard(beats=3)
    t = last + 4 * PERIOD_S - 0.01
    assert receiver.at(t).attention == "attentive"
    receiver.take(frame(encode(ATTENTIVE, 6)), t)
    assert receiver.at(t + 0.3).attention == "attentive"


def repeated(number: int) -> can.Message:
    return frame(encode(ATTENTIVE, 4))


def damaged(number: int) -> can.Message:
    data = bytearray(encode(ATTENTIVE, number % COUNTS))
    data[1 + number % 3] ^= 1 << number % 8
    return frame(bytes(data))


def zeros(number: int) -> can.Message:
    return frame(bytes(4))


def short(number: int) -> can.Message:
    return frame(encode(ATTENTIVE, number % COUNTS)[: number % 4])


def long(number: int) -> can.Message:
    return frame(encode(ATTENTIVE, number % COUNTS) + bytes(1 + number % 4))


def of_another_layout(number: int) -> can.Message:
    body = bytearray(encode(ATTENTIVE, number % COUNTS)[1:])
    body[2] = body[2] & 15 | 2 << 4
    return frame(bytes((crc8(bytes(body)), *body)))


def remote(number: int) -> can.Message:
    return can.Message(arbitration_id=1488, is_extended_id=False, is_remote_frame=True, dlc=4)


def of_another_device(number: int) -> can.Message:
    return frame(encode(ATTENTIVE, number % COUNTS), can_id=1489)


def extended(number: int) -> can.Message:
    return frame(encode(ATTENTIVE, number % COUNTS), extended=True)


@pytest.mark.parametrize(
    "wrong", [repeated, damaged, zeros, short, long, of_another_layout, remote, of_another_device, extended]
)
def test_fail__frames_that_are_wrong_or_old_are_no_heartbeat(wrong: object) -> None:
    receiver, last = heard(CarSignal("ok", "asleep", "asleep"))
    for number in range(5, 15):
        t = last + (number - 4) * PERIOD_S
        receiver.take(wrong(number), t)  # type: ignore[operator]
        assert receiver.at(t).attention in ("asleep", "unknown")
    assert receiver.at(last + 1.0) == MISSING


def test_fail__a_value_that_this_file_does_not_have_is_not_attentive() -> None:
    body = bytes((0x25, 0x09, 0x10))
    receiver = Receiver()
    receiver.take(frame(bytes((crc8(body), *body))), 0.0)
    assert receiver.at(0.0) == Received("ok", "9", "none")


def test_ok__a_daemon_that_starts_again_with_the_same_counter_is_heard_with_its_second_frame() -> None:
    receiver, last = heard(beats=1)
    assert receiver.at(last + 1.0) == MISSING
    receiver.take(frame(encode(ATTENTIVE, 0)), last + 1.0)
    assert receiver.at(last + 1.0) == MISSING, "it may be the old frame"
    receiver.take(frame(encode(ATTENTIVE, 1)), last + 1.1)
    assert receiver.at(last + 1.1).attention == "attentive"


def test_fail__a_channel_that_does_not_exist_is_one_line() -> None:
    command = [sys.executable, "-m", "tools.car.receiver", "can77"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("can77: ")


def test_ok__ctrl_c_ends_the_example_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(timeout: float | None = None) -> can.Message | None:
        raise KeyboardInterrupt

    bus = can.Bus(interface="virtual", channel="interrupted")
    monkeypatch.setattr(bus, "recv", interrupted)
    monkeypatch.setattr(can, "Bus", lambda **_: bus)
    monkeypatch.setattr(sys, "argv", ["receiver", "can0"])
    main()
    assert capsys.readouterr().err == ""

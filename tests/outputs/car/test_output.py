"""The thread that tells the car: on a real virtual CAN bus and on a real ZeroMQ socket."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import count, pairwise
from typing import Any

import can
import pytest

from driver_monitor.config.schema import OutputsConfig, ZmqConfig
from driver_monitor.errors import OutputError
from driver_monitor.messages.car import CarSignal
from driver_monitor.messages.privacy import PrivacyFilter
from driver_monitor.outputs.car.output import CarOutput
from driver_monitor.outputs.fanout import Outputs
from driver_monitor.outputs.zmq_publisher import ZmqPublisher
from tests.outputs.listener import listening
from tools.car.receiver import POLL_S, Received, Receiver

PATIENCE_S = 20.0
ATTENTIVE = CarSignal("ok", "attentive")
ASLEEP = CarSignal("ok", "asleep", "asleep")
_channels = count()


class Car:
    """The example receiver on a virtual bus, in real time."""

    def __init__(self) -> None:
        self.channel = f"car-output-{next(_channels)}"
        self.bus = can.Bus(interface="virtual", channel=self.channel)
        self.receiver = Receiver()

    def until(self, wanted: Callable[[Received], bool], before_each: Callable[[], object] = lambda: None) -> float:
        """Receive until `wanted` holds; return the monotonic seconds."""
        end = time.monotonic() + PATIENCE_S
        while True:
            before_each()
            message = self.bus.recv(POLL_S)
            now = time.monotonic()
            if message is not None:
                self.receiver.take(message, now)
            if wanted(self.receiver.at(now)):
                return now
            assert now < end, f"the last was {self.receiver.at(now)}"


def test_ok__a_receiver_on_the_bus_hears_each_step_and_notices_a_silence_within_half_a_second() -> None:
    car = Car()
    output = CarOutput(OutputsConfig(vehicle=f"can:virtual:{car.channel}"), None)
    car.until(lambda known: known.system == "starting")
    car.until(lambda known: known.attention == "attentive", lambda: output.car(ATTENTIVE))
    car.until(lambda known: known.attention == "asleep", lambda: output.car(ASLEEP))
    # The pipeline hangs: the heartbeat goes on, and says so.
    car.until(lambda known: known == Received("stalled", "unknown", "asleep"))
    # The bus is cut, three times: other programs may delay the receiver once.
    real = output._sender._bus._bus  # type: ignore[union-attr]
    silences = []
    for _ in range(3):
        real.send = lambda *_, **__: None
        while (message := car.bus.recv(0)) is not None:
            car.receiver.take(message, time.monotonic())
        cut = time.monotonic()
        silences.append(car.until(lambda known: known.system == "missing") - cut)
        del real.send
        car.until(lambda known: known.system == "stalled")
    assert min(silences) < 0.5
    output.close()
    car.until(lambda known: known.system == "off")
    assert output.counters() == {"dms_faults": 0}
    car.bus.shutdown()


def test_ok__a_change_is_sent_at_once_and_not_with_the_next_heartbeat() -> None:
    sent: list[Any] = []
    waits: list[threading.Event] = []

    def wait(woken: threading.Event, _: float) -> None:
        waits.append(woken)
        woken.wait(PATIENCE_S)  # no heartbeat in this test

    output = CarOutput(OutputsConfig(vehicle="zmq"), sent.append, wait=wait)
    for number, signal in enumerate((ATTENTIVE, ASLEEP, ATTENTIVE), 2):
        output.car(signal)
        end = time.monotonic() + PATIENCE_S
        while len(sent) < number and time.monotonic() < end:
            pass
        assert sent[-1]["attention"] == signal.attention
    output.car(ATTENTIVE)
    output.close()
    assert [one["attention"] for one in sent][1:] == ["attentive", "asleep", "attentive", "unknown"]
    assert sent[-1]["system"] == "off"


def test_ok__subscribers_of_vehicle_dms_hear_every_message_and_the_end() -> None:
    publisher = ZmqPublisher(ZmqConfig(bind="tcp://127.0.0.1:*"))
    outputs = Outputs([publisher, CarOutput(OutputsConfig(vehicle="zmq"), publisher.dms)])
    with listening(publisher, "vehicle/dms") as listener:
        first = listener.receive(1)
        outputs.car(ASLEEP)
        heard = [*first, *listener.receive(4)]
        outputs.close()
        heard += listener.receive(1)
        while heard[-1][1]["system"] != "off":
            heard += listener.receive(1)
    assert {topic for topic, _ in heard} == {"vehicle/dms"}
    assert set(heard[0][1]) == {"schema", "t_mono", "counter", "system", "attention", "warned", "degraded"}
    counters = [message["counter"] for _, message in heard]
    assert all((after - before) % 16 == 1 for before, after in pairwise(counters))


def test_ok__an_active_privacy_filter_lets_the_signal_pass() -> None:
    sent: list[Any] = []
    outputs = Outputs([CarOutput(OutputsConfig(vehicle="zmq"), sent.append)], PrivacyFilter({"distress"}))
    outputs.car(ASLEEP)
    outputs.close()
    assert "off" in [one["system"] for one in sent]


def test_fail__without_python_can_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "can", None)
    with pytest.raises(OutputError, match=r"outputs\.vehicle: can: needs python-can; install it with: pip install"):
        CarOutput(OutputsConfig(vehicle="can:can0"), None)


def test_fail__a_bus_that_hangs_delays_neither_the_pipeline_nor_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    hanging = threading.Event()

    class Hanging:
        def send(self, *_: object, **__: object) -> None:
            hanging.set()
            released.wait(PATIENCE_S)

        def shutdown(self) -> None:
            pass

    monkeypatch.setattr(can, "Bus", lambda **_: Hanging())
    output = CarOutput(OutputsConfig(vehicle="can:can0"), None)
    assert hanging.wait(PATIENCE_S)
    start = time.monotonic()
    for _ in range(1000):
        output.car(ATTENTIVE)
        output.car(ASLEEP)
    assert time.monotonic() - start < 0.5
    output.close()
    assert time.monotonic() - start < 2.0
    released.set()

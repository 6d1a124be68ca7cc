"""One output's fault is its own."""

from __future__ import annotations

import pytest

from driver_monitor.config.schema import GpioConfig, ZmqConfig
from driver_monitor.data.alert import Level
from driver_monitor.messages.wire import Message
from driver_monitor.outputs.fanout import Outputs
from driver_monitor.outputs.gpio_output import GpioOutput
from driver_monitor.outputs.journal import Journal
from driver_monitor.outputs.output import Output
from driver_monitor.outputs.zmq_publisher import ZmqPublisher


class Recorder(Output):
    failure: str | None = None

    def __init__(self, name: str, heard: list[str]) -> None:
        self._name, self._heard = name, heard

    def alert(self, alert: Message) -> None:
        self._heard.append(f"{self._name} alert {alert['seq']}")

    def level(self, level: Level | None) -> None:
        self._heard.append(f"{self._name} level {level}")

    def state(self, state: Message) -> None:
        self._heard.append(f"{self._name} state")

    def status(self, status: Message) -> None:
        self._heard.append(f"{self._name} status")

    def close(self) -> None:
        self._heard.append(f"{self._name} closed")


class Broken(Recorder):
    name = "broken"

    def alert(self, alert: Message) -> None:
        raise RuntimeError("out of order")

    def close(self) -> None:
        raise RuntimeError("stuck")


def test_ok__everything_reaches_every_output_in_order_and_closing_goes_backwards() -> None:
    heard: list[str] = []
    outputs = Outputs([Recorder("a", heard), Recorder("b", heard)])
    outputs.alert({"seq": 1})
    outputs.level("warning")
    outputs.state({})
    outputs.status({})
    outputs.close()
    assert heard == [
        *("a alert 1", "b alert 1", "a level warning", "b level warning"),
        *("a state", "b state", "a status", "b status", "b closed", "a closed"),
    ]


def test_fail__an_output_that_raises_is_logged_once_counted_and_the_others_go_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard: list[str] = []
    outputs = Outputs([Broken("a", heard), Recorder("b", heard)])
    for seq in (1, 2):
        outputs.alert({"seq": seq})
    outputs.close()
    assert heard == ["b alert 1", "b alert 2", "b closed"]
    assert outputs.faults == {"broken": 3}
    assert [record.getMessage() for record in caplog.records] == [
        "output broken failed: out of order; the other outputs go on",
    ]
    assert "Traceback" not in caplog.text


def test_ok__the_failure_of_any_output_is_told() -> None:
    first, second = Recorder("a", []), Recorder("b", [])
    outputs = Outputs([first, second])
    assert outputs.failure is None
    second.failure = "its thread died"
    assert outputs.failure == "its thread died"


class Dropping(Recorder):
    def counters(self) -> dict[str, int]:
        return {"dropping_dropped": 7}


def test_ok__what_the_outputs_count_is_told_together() -> None:
    outputs = Outputs([Broken("a", []), Dropping("b", [])])
    outputs.alert({"seq": 1})
    assert outputs.counters() == {"output_faults": 1, "dropping_dropped": 7}


def test_ok__every_output_of_ours_that_can_lose_something_counts_it() -> None:
    ours = Outputs(
        [Journal(), ZmqPublisher(ZmqConfig(bind="tcp://127.0.0.1:*")), GpioOutput(GpioConfig(backend="mock"))]
    )
    try:
        assert ours.counters() == {
            "output_faults": 0,
            "journal_dropped": 0,
            "zmq_dropped_state": 0,
            "zmq_dropped_status": 0,
            "zmq_dropped_alert": 0,
            "gpio_faults": 0,
        }
    finally:
        ours.close()

"""An error in one output does not affect the others."""

from __future__ import annotations

import pytest

from driver_monitor.config.schema import GpioConfig, ZmqConfig
from driver_monitor.data.alert import Sign
from driver_monitor.messages.privacy import PrivacyFilter
from driver_monitor.messages.wire import Message
from driver_monitor.outputs.fanout import Outputs
from driver_monitor.outputs.gpio_output import GpioOutput
from driver_monitor.outputs.journal import Journal
from driver_monitor.outputs.output import Output
from driver_monitor.outputs.zmq_publisher import ZmqPublisher


class Recorder(Output):
    failure: str | None = None

    def __init__(self, name: str, received: list[str]) -> None:
        self._name, self._received = name, received

    def alert(self, alert: Message) -> None:
        self._received.append(f"{self._name} alert {alert['seq']}")

    def show(self, sign: Sign | None) -> None:
        self._received.append(f"{self._name} sign {sign.kind if sign else None}")

    def state(self, state: Message) -> None:
        self._received.append(f"{self._name} state")

    def status(self, status: Message) -> None:
        self._received.append(f"{self._name} status")

    def close(self) -> None:
        self._received.append(f"{self._name} closed")


class Broken(Recorder):
    name = "broken"

    def alert(self, alert: Message) -> None:
        raise RuntimeError("out of order")

    def close(self) -> None:
        raise RuntimeError("stuck")


def test_ok__every_output_gets_everything_in_order_and_is_closed_in_reverse_order() -> None:
    received: list[str] = []
    outputs = Outputs([Recorder("a", received), Recorder("b", received)])
    outputs.alert({"seq": 1})
    outputs.show(Sign("sleep", "warning"))
    outputs.state({})
    outputs.status({})
    outputs.close()
    assert received == [
        *("a alert 1", "b alert 1", "a sign sleep", "b sign sleep"),
        *("a state", "b state", "a status", "b status", "b closed", "a closed"),
    ]


def test_fail__an_output_that_raises_is_logged_once_and_counted_and_the_others_go_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    received: list[str] = []
    outputs = Outputs([Broken("a", received), Recorder("b", received)])
    for seq in (1, 2):
        outputs.alert({"seq": seq})
    outputs.close()
    assert received == ["b alert 1", "b alert 2", "b closed"]
    assert outputs.faults == {"broken": 3}
    assert [record.getMessage() for record in caplog.records] == [
        "output broken failed: out of order; the other outputs continue",
    ]
    assert "Traceback" not in caplog.text


def test_ok__the_failure_of_any_output_is_the_failure_of_all() -> None:
    first, second = Recorder("a", []), Recorder("b", [])
    outputs = Outputs([first, second])
    assert outputs.failure is None
    second.failure = "its thread died"
    assert outputs.failure == "its thread died"


class Dropping(Recorder):
    def counters(self) -> dict[str, int]:
        return {"dropping_dropped": 7}


def test_ok__the_counters_of_all_outputs_are_merged() -> None:
    outputs = Outputs([Broken("a", []), Dropping("b", [])])
    outputs.alert({"seq": 1})
    assert outputs.counters() == {"output_faults": 1, "dropping_dropped": 7}


def test_ok__at_work_the_faults_of_a_local_output_do_not_show_in_another_one_of_the_same_name() -> None:
    own = Broken("a", [])
    own.local = True
    outputs = Outputs([own, Broken("b", [])], PrivacyFilter({"distress"}))
    outputs.alert({"seq": None, "rule": "distress"})
    assert outputs.faults == {"broken": 1}
    assert outputs.counters() == {"output_faults": 0}


def test_ok__an_output_takes_everything_and_is_not_local_unless_it_says_so() -> None:
    output = Output()
    outputs = Outputs([output])
    outputs.alert({"seq": 1})
    outputs.show(Sign("sleep", "warning"))
    outputs.state({})
    outputs.status({})
    outputs.close()
    assert (output.local, output.failure, output.counters()) == (False, None, {})
    assert outputs.faults == {}


def test_ok__every_output_that_can_lose_messages_counts_them() -> None:
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
            "zmq_missed_state": 0,
            "zmq_missed_status": 0,
            "zmq_missed_alert": 0,
            "zmq_refused": 0,
            "gpio_faults": 0,
        }
    finally:
        ours.close()

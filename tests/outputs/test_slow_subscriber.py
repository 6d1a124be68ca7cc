"""A subscriber that stops reading loses states first and alerts last, and every loss is counted. Real sockets."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import zmq

from driver_monitor.config.schema import ZmqConfig
from driver_monitor.outputs.zmq_publisher import ZmqPublisher
from tests.outputs.listener import PATIENCE_MS, alert, listening, status

BALLAST = "x" * 3000
"""A state has about as many bytes."""
QUEUE = 20


@contextmanager
def publishing(transport: str = "tcp", folder: Path = Path()) -> Iterator[ZmqPublisher]:
    bind = {"tcp": "tcp://127.0.0.1:*", "ipc": f"ipc://{folder}/alerts.sock"}[transport]
    output = ZmqPublisher(ZmqConfig(bind=bind, send_queue=QUEUE))
    try:
        yield output
    finally:
        output.close()


def state(number: int) -> dict[str, Any]:
    return {"schema": 1, "n": number, "ballast": BALLAST}


@contextmanager
def stalled(publisher: ZmqPublisher) -> Iterator[zmq.Socket[bytes]]:
    """A SUB socket that takes as little as possible in advance, and reads nothing until the test does."""
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.SUB)
    for option, value in ((zmq.RCVHWM, 1), (zmq.RCVBUF, 2048), (zmq.LINGER, 0)):
        socket.setsockopt(option, value)
    socket.subscribe("")
    publisher.status(status(0))
    socket.connect(publisher.endpoint)
    assert socket.poll(PATIENCE_MS), "its subscription has arrived when the last status comes"
    socket.recv_multipart()
    try:
        yield socket
    finally:
        socket.close()


def publish(publisher: ZmqPublisher, states: int, alerts: int, ballast: str = "") -> None:
    """Publish states with alerts among them. A healthy subscriber keeps pace and gets all of them."""
    every, others = states // alerts, publisher._server.subscribers
    with listening(publisher, "") as healthy:
        healthy.until_marked(publisher, "status/")
        got = Counter[str]()
        for number in range(states):
            publisher.state(state(number))
            due = number % every == every - 1
            if due:
                publisher.alert(alert(number // every, "microsleep", "cleared", ballast=ballast))
                publisher.status(status(number))
            got.update(topic for topic, _ in healthy.receive(3 if due else 1))
        assert got == {"state/": states, "alert/microsleep/": alerts, "status/": alerts}
    end = time.monotonic() + PATIENCE_MS / 1000
    while publisher._server.subscribers > others:  # a message to one that goes would count as missed
        assert time.monotonic() < end


LAST_STATE = {"schema": 1, "end": "last"}
LAST_ALERT = alert(9999, "last", "cleared")


def rest(socket: zmq.Socket[bytes]) -> list[list[bytes]]:
    """All that still comes until the last state or the last alert."""
    received: list[list[bytes]] = []
    while not received or b'"last"' not in received[-1][1]:
        assert socket.poll(PATIENCE_MS), "nothing received"
        received.append(socket.recv_multipart())
    return received[:-1]


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_ok__a_stalled_subscriber_keeps_every_alert_loses_states_and_each_loss_is_counted(
    transport: str, tmp_path: Path
) -> None:
    with publishing(transport, tmp_path) as publisher, stalled(publisher) as slow:
        publish(publisher, states=900, alerts=15)
        publisher.state(LAST_STATE)
        got = rest(slow)
        kinds = Counter(topic.split(b"/")[0].decode() for topic, _ in got)
        assert kinds["alert"] == 15
        assert publisher.missed["alert"] == 0
        assert publisher.missed["state"] > 0
        assert kinds["state"] + publisher.missed["state"] == 900
        marks = 1  # of the healthy subscriber, at least
        assert kinds["status"] + publisher.missed["status"] >= 15 + marks
        assert publisher.counters()["zmq_missed_state"] == publisher.missed["state"]
        assert publisher.dropped == {"state": 0, "status": 0, "alert": 0}


def test_ok__with_more_alerts_than_places_the_newest_stay_and_the_lost_ones_are_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with publishing() as publisher, stalled(publisher) as slow:
        publish(publisher, states=300, alerts=100, ballast=BALLAST)
        publisher.alert(LAST_ALERT)
        got = [topic for topic, _ in rest(slow)]
        alerts = got.count(b"alert/microsleep/")
        assert publisher.missed["alert"] > 0
        assert caplog.text.count("a subscriber reads too slowly and missed an alert") == 1
        assert alerts + publisher.missed["alert"] == 100
        assert got[-QUEUE:] == [b"alert/microsleep/"] * QUEUE


def test_ok__a_subscriber_that_reads_only_after_the_daemon_has_ended_gets_its_alerts() -> None:
    with publishing() as publisher, stalled(publisher) as slow:
        publish(publisher, states=900, alerts=15)
        publisher.alert(LAST_ALERT)
        publisher.close()
        assert [topic for topic, _ in rest(slow)].count(b"alert/microsleep/") == 15


def test_ok__a_stopped_process_gets_its_alerts_when_it_goes_on() -> None:
    program = (
        "import sys, zmq\n"
        "s = zmq.Context().socket(zmq.SUB); s.setsockopt(zmq.RCVHWM, 1); s.setsockopt(zmq.RCVBUF, 2048)\n"
        "s.connect(sys.argv[1]); s.subscribe('')\n"
        "while True: print(s.recv_multipart()[0].decode(), flush=True)\n"
    )
    with publishing() as publisher:
        publisher.status(status(0))
        command = [sys.executable, "-c", program, publisher.endpoint]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "status/\n"
            child.send_signal(signal.SIGSTOP)
            publish(publisher, states=900, alerts=15)
            assert publisher.missed["state"] > 0
            assert publisher.missed["alert"] == 0
            publisher.alert(LAST_ALERT)
            child.send_signal(signal.SIGCONT)
            topics = []
            while "alert/last/" not in topics:
                topics.append(child.stdout.readline().strip())
            child.kill()
        assert topics.count("alert/microsleep/") == 15


def test_ok__what_waits_for_a_subscriber_that_goes_is_counted_as_missed() -> None:
    with publishing() as publisher:
        with stalled(publisher):
            publish(publisher, states=300, alerts=15)
            before = publisher.missed["state"]
        end = time.monotonic() + PATIENCE_MS / 1000
        with listening(publisher, "") as healthy:
            while publisher.missed["state"] == before and time.monotonic() < end:
                healthy.until_marked(publisher, "status/")
        assert publisher.missed["state"] > before


def test_ok__one_stalled_subscriber_costs_the_others_nothing_whatever_its_queue() -> None:
    with publishing() as publisher, stalled(publisher), stalled(publisher):
        publish(publisher, states=300, alerts=30)
        assert publisher.dropped == {"state": 0, "status": 0, "alert": 0}


@pytest.mark.parametrize("levels", [60, 10_000, 100_000])
def test_fail__a_message_with_too_many_levels_is_one_error_and_is_counted(
    levels: int, caplog: pytest.LogCaptureFixture
) -> None:
    nested: Any = float("nan")
    for _ in range(levels):
        nested = [nested]
    with publishing() as publisher, listening(publisher, "") as listener:
        listener.until_marked(publisher)
        for _ in range(2):
            publisher.state({"schema": 1, "nested": nested})
        publisher.alert(alert(1))
        assert listener.receive_seqs(1) == [1]
        assert publisher.dropped == {"state": 2, "status": 0, "alert": 0}
        assert publisher.failure is None
    assert caplog.text.count("is not published") == 1
    assert "nested deeper" in caplog.text

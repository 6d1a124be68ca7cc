"""What subscribers receive over a real TCP socket. No sleeps: only polls with a time-out."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
import zmq

from driver_monitor.config.schema import ZmqConfig
from driver_monitor.outputs import publisher as publisher_module
from driver_monitor.outputs.fanout import Outputs
from driver_monitor.outputs.publisher import STALL_S
from driver_monitor.outputs.zmq_publisher import ZmqPublisher
from tests.outputs.listener import PATIENCE_MS, alert, listening, status


def closes(output: ZmqPublisher) -> bool:
    """Return whether closing ends the thread: then it took at most `CLOSE_S`."""
    output.close()
    return not output._worker.thread.is_alive()


@pytest.fixture
def publisher() -> Iterator[ZmqPublisher]:
    output = ZmqPublisher(ZmqConfig(bind="tcp://127.0.0.1:*"))
    yield output
    output.close()


def test_ok__messages_arrive_in_order_as_two_frames_with_their_topics(publisher: ZmqPublisher) -> None:
    with listening(publisher, "") as listener:
        listener.until_marked(publisher)
        publisher.status(status(7))
        publisher.alert(alert(1))
        publisher.state({"schema": 1, "t": 0.4})
        publisher.alert(alert(2, "sleep", message="Lider kapalı – göz"))
        received = listener.receive(4)
    assert [topic for topic, _ in received] == ["status/", "alert/microsleep/", "state/", "alert/sleep/"]
    assert received[1][1] == alert(1)
    assert received[3][1]["message"] == "Lider kapalı – göz"


def test_ok__a_late_subscriber_gets_the_last_status_and_every_active_alert_once_and_no_other_subscriber_does(
    publisher: ZmqPublisher,
) -> None:
    with listening(publisher, "") as early:
        early.until_marked(publisher)
        publisher.alert(alert(1, "microsleep"))
        publisher.alert(alert(2, "no_face"))
        publisher.alert(alert(3, "sleep"))
        publisher.alert(alert(4, "no_face", "cleared"))
        publisher.alert(alert(5, "microsleep", "escalated"))
        publisher.status(status(1))
        publisher.status(status(2))
        early.receive(7)
        with listening(publisher, "") as late:
            received = late.receive(3)
            assert [(topic, message.get("id"), message.get("frame")) for topic, message in received] == [
                ("alert/sleep/", "id-3", None),
                ("alert/microsleep/", "id-5", None),
                ("status/", None, 2),
            ]
            assert late.until_marked(publisher) == []
            assert early.until_marked(publisher) == []
            publisher.alert(alert(6, "sleep", "cleared"))
            assert late.receive_seqs(1) == early.receive_seqs(1) == [6]


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("", ["alert/microsleep/", "alert/sleep/", "status/"]),
        ("alert/", ["alert/microsleep/", "alert/sleep/"]),
        ("alert/microsleep/", ["alert/microsleep/"]),
        ("alert/micro", ["alert/microsleep/"]),
        ("st", ["status/"]),
        ("status/", ["status/"]),
        ("state/", []),
        ("alert/none/", []),
    ],
)
def test_ok__any_prefix_gets_the_last_values_that_match_while_others_listen(
    publisher: ZmqPublisher, prefix: str, expected: list[str]
) -> None:
    with listening(publisher, "") as early, listening(publisher, "status/") as other:
        early.until_marked(publisher)
        other.until_marked(publisher)
        publisher.alert(alert(1, "microsleep"))
        publisher.alert(alert(2, "sleep"))
        publisher.status(status(1))
        early.receive(3)
        other.receive(1)
        with listening(publisher, prefix) as late:
            assert [topic for topic, _ in late.receive(len(expected))] == expected
            assert late.until_marked(publisher) == []
            assert early.until_marked(publisher) == []
            assert other.until_marked(publisher) == []


def test_ok__with_nothing_to_repeat_a_new_subscriber_still_gets_the_next_message(publisher: ZmqPublisher) -> None:
    with listening(publisher, "alert/") as listener, listening(publisher, "status/") as gauge:
        gauge.until_marked(publisher)
        publisher.alert(alert(1))
        assert listener.receive_seqs(1) == [1]


def test_ok__an_alert_after_somebody_unsubscribes_still_reaches_the_others(publisher: ZmqPublisher) -> None:
    with listening(publisher, "") as stays, listening(publisher, "", "status/") as goes:
        stays.until_marked(publisher)
        goes.until_marked(publisher)
        goes.socket.setsockopt(zmq.UNSUBSCRIBE, b"")
        # as long as alerts still come, the unsubscription has not arrived yet
        seq = 0
        while True:
            publisher.alert(alert(seq := seq + 1, phase="cleared"))
            assert stays.receive_seqs(1) == [seq]
            if not goes.until_marked(publisher, "status/"):
                break
            assert seq < PATIENCE_MS
        publisher.status(status(9))
        assert goes.receive(1)[0][1]["frame"] == 9


def test_ok__a_subscriber_in_another_process_gets_the_alerts_and_the_daemon_closes_within_two_seconds() -> None:
    output = ZmqPublisher(ZmqConfig(bind="tcp://127.0.0.1:*"))
    program = (
        "import sys, zmq\n"
        "s = zmq.Context().socket(zmq.SUB); s.connect(sys.argv[1]); s.setsockopt(zmq.SUBSCRIBE, b'alert/')\n"
        "s.setsockopt(zmq.RCVTIMEO, 5000)\n"
        "while True:\n"
        "    topic, payload = s.recv_multipart(); print(topic.decode(), payload.decode(), flush=True)\n"
        "    if b'cleared' in payload: break\n"
    )
    output.alert(alert(1))
    with subprocess.Popen([sys.executable, "-c", program, output.endpoint], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert json.loads(child.stdout.readline().split(" ", 1)[1]) == alert(1)
        output.alert(alert(2, phase="cleared"))
        assert closes(output)
        assert closes(output)
        assert publisher_module.CLOSE_S < 2, "SIGTERM promises closed sockets within 2 s"
        assert json.loads(child.stdout.readline().split(" ", 1)[1])["seq"] == 2, "the last alert is not lost"
        assert child.wait(5) == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(output.endpoint.rsplit(":", 1)[1])), timeout=1)


def test_ok__a_subscriber_that_does_not_read_neither_blocks_the_daemon_nor_the_others() -> None:
    output = ZmqPublisher(ZmqConfig(bind="tcp://127.0.0.1:*", send_queue=10))
    try:
        with listening(output, "", hwm=1) as sleeper, listening(output, "alert/") as awake:
            sleeper.until_marked(output)
            ballast = "x" * 100_000
            for seq in range(300):
                output.state({"schema": 1, "ballast": ballast})
                output.alert(alert(seq))
                assert awake.receive_seqs(1)[-1:] == [seq]
            assert output.failure is None
            assert closes(output)
    finally:
        output.close()


def test_ok__garbage_from_subscribers_changes_nothing_for_the_others(publisher: ZmqPublisher) -> None:
    port = int(publisher.endpoint.rsplit(":", 1)[1])
    with listening(publisher, "") as early, listening(publisher, kind=zmq.XSUB) as rude:
        early.until_marked(publisher)
        for frames in ([b"hello"], [b""], [b"\x02"], [b"\x01", b"\x01x"], [b"\x00never"], [b"\xff\xfe", b"more"]):
            rude.socket.send_multipart(frames)
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.sendall(b"GET / HTTP/1.1\r\n\r\n" + bytes(range(256)) * 20)
        rude.socket.send(b"x" * 5000)
        publisher.alert(alert(1))
        assert early.receive_seqs(1) == [1]
        with listening(publisher, "alert/") as late:
            assert late.receive_seqs(1) == [1]
            publisher.alert(alert(2))
            received = late.receive_seqs(1)
            while received[-1] == 1:  # twice, if the XSUB peer reconnects at that moment; the id is the same
                received = late.receive_seqs(1)
            assert received == early.receive_seqs(1) == [2]
    assert publisher.failure is None


def test_ok__when_the_queue_is_full_states_are_dropped_first_then_statuses_and_alerts_stay(
    publisher: ZmqPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher._worker.queue, "limit", 4)
    with listening(publisher, "") as listener:
        listener.until_marked(publisher)
        with held(publisher, monkeypatch):
            publisher.alert(alert(1))
            publisher.status(status(1))
            publisher.state({"schema": 1, "n": 1})
            publisher.state({"schema": 1, "n": 2})
            for seq in (2, 3, 4):
                publisher.alert(alert(seq))
        assert listener.receive_seqs(4) == [1, 2, 3, 4]
        assert listener.until_marked(publisher) == []
    assert publisher.dropped == {"state": 2, "status": 1, "alert": 0}
    assert publisher.missed == {"state": 0, "status": 0, "alert": 0}


@contextlib.contextmanager
def held(publisher: ZmqPublisher, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep the publishing thread asleep, as an overloaded machine would."""
    with monkeypatch.context() as patch:
        patch.setattr(publisher._worker, "wake", lambda: None)
        yield
    publisher._worker.wake()


def test_ok__numbers_that_json_does_not_know_become_null(publisher: ZmqPublisher) -> None:
    with listening(publisher, "") as listener:
        listener.until_marked(publisher)
        publisher.alert(alert(1, evidence={"measured": {"closed_s": float("nan")}, "threshold": [float("inf")]}))
        [(_, received)] = listener.receive(1)
    assert received["evidence"] == {"measured": {"closed_s": None}, "threshold": [None]}


def test_fail__a_message_that_is_no_json_is_logged_and_the_next_one_goes_out(
    publisher: ZmqPublisher, caplog: pytest.LogCaptureFixture
) -> None:
    with listening(publisher, "") as listener:
        listener.until_marked(publisher)
        publisher.state({"schema": 1, "thing": object()})
        publisher.state({"schema": 1, "thing": object()})
        publisher.alert(alert(1))
        assert listener.receive_seqs(1) == [1]
    assert caplog.text.count("is not published") == 1
    assert publisher.failure is None


def test_fail__a_dead_thread_is_a_failure_with_the_address(
    publisher: ZmqPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(frames: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(publisher._server, "send", broken)
    publisher.alert(alert(1))
    publisher._worker.thread.join(PATIENCE_MS / 1000)
    assert publisher.failure is not None
    assert publisher.endpoint in publisher.failure
    publisher.alert(alert(2))
    publisher.close()


def test_fail__messages_that_wait_when_the_thread_dies_are_counted(
    publisher: ZmqPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(frames: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(publisher._server, "send", broken)
    with held(publisher, monkeypatch):
        publisher.state({"schema": 1})
        publisher.alert(alert(1))
        publisher.alert(alert(2))
    publisher._worker.thread.join(PATIENCE_MS / 1000)
    publisher.status(status(1))
    assert publisher.dropped == {"state": 1, "status": 1, "alert": 2}
    assert publisher.counters()["zmq_dropped_alert"] == 2


@pytest.mark.parametrize("hangs_in", ["send", "serve"])
def test_fail__a_thread_that_hangs_is_a_failure_with_its_name_that_ends_the_daemon(
    hangs_in: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, go, entered = [100.0], threading.Event(), threading.Event()

    def hang(_: object) -> None:
        entered.set()
        go.wait()

    output = ZmqPublisher(ZmqConfig(bind="tcp://127.0.0.1:*"), clock=lambda: now[0])
    monkeypatch.setattr(output._server, hangs_in, hang)
    outputs = Outputs([output])
    if hangs_in == "serve":
        output._worker.wake()
        assert entered.wait(PATIENCE_MS / 1000)

    def failure_after(seconds: float) -> str | None:
        for _ in range(round(seconds / 0.1)):
            now[0] += 0.1
            outputs.failure  # noqa: B018 (the live loop asks for it after each frame)
        return outputs.failure

    try:
        assert failure_after(60.0) is None, "nothing waits, so there is no progress to make"
        outputs.status(status(1))
        assert failure_after(STALL_S - 1.0) is None
        failure = failure_after(2.0)
        assert failure is not None
        assert f"zmq-publisher {output.endpoint}: the thread hangs" in failure
        go.set()
        output._worker.flush(PATIENCE_MS / 1000)
        assert failure_after(0.1) is None
    finally:
        go.set()
        monkeypatch.undo()
        output.close()

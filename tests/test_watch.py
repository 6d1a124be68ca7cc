"""`driver-monitor watch` beside a real publisher, as a person reads it."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.live import Live
from rich.text import Text

from driver_monitor.cli import watch as watching_module
from driver_monitor.cli.curve.connection import ClientKeys
from driver_monitor.cli.watch import (
    Watcher,
    show_live,
    state_text,
    status_text,
    watch,
)
from driver_monitor.config.addresses import LAPTOP_BIND, SERVICE_SOCKET, SOCKET_NAME, publish_address
from driver_monitor.config.schema import ZmqConfig
from driver_monitor.errors import UsageError
from driver_monitor.outputs.zmq_publisher import ZmqPublisher

PATIENCE_S = 10.0
WHERE = "tcp://127.0.0.1:5556"
STATE = {
    "schema": 1,
    "t": 12.4,
    "eyes": {"state": "open", "openness": 0.83},
    "gaze": {"zone": "road"},
    "perclos": {"value": 0.07, "coverage": 0.9},
    "emotion": {"label": "neutral"},
    "attention": "attentive",
}
STATUS = {"schema": 1, "camera": {"state": "ok", "fps": 29.9}, "light": "day", "degraded": None, "active": []}


def alert(name: str = "a", **more: Any) -> dict[str, Any]:
    raised = {"t": 12.4, "rule": "microsleep", "level": "warning", "phase": "raised", "message": "Eyes closed for 1 s"}
    return {"schema": 1, "id": name, **raised, **more}


class Screen(io.StringIO):
    """What was printed; `wait_for` returns when a text is on it."""

    def __init__(self) -> None:
        super().__init__()
        self._written = threading.Condition()

    def write(self, text: str) -> int:
        with self._written:
            count = super().write(text)
            self._written.notify_all()
        return count

    def wait_for(self, text: str) -> None:
        with self._written:
            assert self._written.wait_for(lambda: text in self.getvalue(), PATIENCE_S), self.getvalue()


@contextmanager
def watching(
    endpoint: str | None, *, width: int = 200, service: str = SERVICE_SOCKET, keys: ClientKeys | None = None
) -> Iterator[Screen]:
    screen, over, failed = Screen(), threading.Event(), []

    def run() -> None:
        try:
            watch(endpoint, Console(file=screen, width=width), over.is_set, service, keys)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield screen
    finally:
        over.set()
        thread.join(PATIENCE_S)
    assert not failed
    assert not thread.is_alive()


def watcher() -> tuple[Watcher, Screen, list[Text]]:
    screen, states = Screen(), list[Text]()
    return Watcher(WHERE, Console(file=screen, width=200), states.append), screen, states


def frames(topic: str, message: object) -> list[bytes]:
    return [topic.encode(), json.dumps(message).encode()]


def test_ok__the_fault_of_a_configuration_is_in_the_status_line() -> None:
    fault = "my.yaml:1: camera: wrong; the old configuration stays active"
    line = status_text({"camera": {"state": "ok"}, "light": "day", "config_fault": fault})
    assert line.plain == f"status: camera ok, light day, configuration: {fault}"
    assert "configuration" not in status_text({"config_fault": None}).plain


def test_ok__it_prints_what_a_running_daemon_says_and_what_was_active_before_it_came() -> None:
    publisher = ZmqPublisher(ZmqConfig(bind="tcp://127.0.0.1:*"))
    try:
        publisher.alert(alert("a"))
        publisher.status(STATUS)
        with watching(publisher.endpoint) as screen:
            screen.wait_for("0:00:12.4 WARNING  microsleep raised: Eyes closed for 1 s")
            screen.wait_for("status: camera ok, light day")
            publisher.state(STATE)
            screen.wait_for("attentive  eyes open 0.83  gaze road  PERCLOS 7%  neutral")
            publisher.alert(alert("b", phase="cleared"))
            screen.wait_for("microsleep cleared")
    finally:
        publisher.close()


def test_ok__silence_is_said_once_and_so_is_its_end() -> None:
    seen, screen, _ = watcher()
    for now in (100.0, 101.0, 102.9):
        seen.check_age(now)
    assert screen.getvalue() == ""
    for now in (103.0, 104.0, 200.0):
        seen.check_age(now)
    assert screen.getvalue() == f"no message for 3 s; check that a daemon runs at {WHERE}\n"
    seen.receive(frames("status/", STATUS), 201.0)
    assert f"messages from {WHERE} arrive again" in screen.getvalue()
    seen.check_age(203.9)
    assert screen.getvalue().count("no message for") == 1
    seen.check_age(204.1)
    assert screen.getvalue().count("no message for") == 2


@pytest.mark.parametrize("attention", ["asleep", "unresponsive", "drowsy", "unknown", None, "a word of later versions"])
def test_ok__nobody_who_is_not_known_to_be_awake_is_called_happy(attention: str | None) -> None:
    line = state_text({**STATE, "attention": attention, "emotion": {"label": "happy"}})
    assert "happy" not in line.plain
    assert line.style != "dim"


@pytest.mark.parametrize("eyes", [{"state": "closed", "openness": 0.0}, {"state": "hidden"}, {"state": None}, {}, None])
def test_ok__no_expression_stands_beside_eyes_that_are_not_open(eyes: object) -> None:
    attentive = {**STATE, "eyes": eyes, "emotion": {"label": "happy"}}
    assert "happy" not in state_text(attentive).plain
    assert "happy" in state_text({**attentive, "eyes": STATE["eyes"]}).plain
    assert "happy" in state_text({**attentive, "eyes": STATE["eyes"], "attention": "distracted"}).plain


def test_ok__what_people_must_see_comes_first() -> None:
    asleep = {**STATE, "attention": "asleep", "alerts": ["microsleep", "sleep"], "eyes": {"state": "closed"}}
    line = state_text(asleep)
    assert line.plain.split("  ")[1:3] == ["ASLEEP", "microsleep, sleep"]
    assert "red" in str(line.style)
    assert state_text({**STATE, "alerts": ["camera_fault"]}).style != "dim"


def test_ok__a_narrow_terminal_loses_the_end_of_a_state_and_keeps_what_comes_first() -> None:
    screen = io.StringIO()
    with Live(console=Console(file=screen, width=40, force_terminal=True), auto_refresh=False) as live:
        show_live(live, state_text({**STATE, "attention": "asleep", "alerts": ["microsleep", "sleep"]}))
    assert "ASLEEP  microsleep" in screen.getvalue()
    assert "PERCLOS" not in screen.getvalue()


def test_ok__a_state_does_not_outlive_its_daemon() -> None:
    seen, screen, states = watcher()
    seen.receive(frames("state/", STATE), 100.0)
    seen.check_age(102.9)
    assert len(states) == 1
    seen.check_age(103.1)
    assert states[1].plain == "driver unknown: the daemon sends no message"
    assert "no message for 3 s" in screen.getvalue()
    seen.check_age(150.0)
    assert len(states) == 2
    seen.receive(frames("state/", STATE), 151.0)
    assert "attentive" in states[2].plain


def test_ok__a_state_is_also_removed_while_status_and_alerts_still_arrive() -> None:
    seen, screen, states = watcher()
    seen.receive(frames("state/", STATE), 100.0)
    for second in (101.0, 102.0, 103.0, 104.0):
        seen.receive(frames("status/", STATUS), second)
        seen.check_age(second)
    assert [line.plain for line in states[1:]] == ["driver unknown: the daemon sends no state"]
    assert "no message" not in screen.getvalue()


def test_ok__states_that_come_seldom_stay_until_the_next_one_is_late() -> None:
    seen, _, states = watcher()
    for second in (100.0, 105.0, 110.0):
        seen.receive(frames("state/", STATE), second)
    shown = len(states)
    seen.check_age(115.1)
    assert len(states) == shown
    seen.check_age(118.0)
    assert len(states) == shown + 1


def test_ok__rubbish_in_place_of_messages_does_not_keep_a_state() -> None:
    seen, _, states = watcher()
    seen.receive(frames("state/", STATE), 100.0)
    for tenth in range(40):
        seen.receive([b"rubbish"], 100.0 + tenth / 10)
        seen.check_age(100.0 + tenth / 10)
    assert "sends no message" in states[-1].plain


def test_ok__a_repeated_alert_is_printed_once_and_a_status_when_it_changes() -> None:
    seen, screen, states = watcher()
    for _ in range(3):
        seen.receive(frames("alert/microsleep/", alert("a")), 1.0)
        seen.receive(frames("status/", STATUS), 1.0)
    seen.receive(frames("status/", {**STATUS, "degraded": "covered", "active": ["camera_fault"]}), 2.0)
    seen.receive(frames("state/", STATE), 2.0)
    seen.receive(frames("news/", {"schema": 1}), 2.0)
    lines = screen.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[2] == "status: camera ok, light day, degraded: covered (uncover the lens), active: camera_fault"
    assert len(states) == 1
    assert seen.malformed == 0


@pytest.mark.parametrize(
    "garbage",
    [
        [b"status/"],
        [b"status/", b"{}", b""],
        [b"status/", b"{"],
        [b"status/", b"[1]"],
        [b"status/", b"\xff\xfe"],
        [b"\xff/", b"{}"],
        [b"status/", b"[" * 100_000],
        [],
    ],
)
def test_fail__what_is_no_message_is_counted_and_reported_once(garbage: list[bytes]) -> None:
    seen, screen, _ = watcher()
    for _ in range(3):
        seen.receive(garbage, 1.0)
    assert seen.malformed == 3
    advice = f"check that a daemon runs at {WHERE}; more of them are only counted"
    assert screen.getvalue() == f"not a message of driver-monitor; {advice}\n"


def test_ok__a_number_beyond_all_floats_is_shown_as_unknown() -> None:
    huge = {**STATE, "t": 10**400, "eyes": {"openness": 10**400}, "perclos": {"value": -(10**400)}}
    seen, screen, states = watcher()
    seen.receive(frames("state/", huge), 1.0)
    seen.receive(frames("alert/x/", alert(t=10**400)), 1.0)
    assert "PERCLOS unknown" in states[0].plain
    assert "-:--:--.-" in screen.getvalue()
    assert seen.malformed == 0


def test_fail__a_publisher_of_something_else_does_not_end_the_watch() -> None:
    other: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.PUB)
    port = other.bind_to_random_port("tcp://127.0.0.1")
    try:
        with watching(f"tcp://127.0.0.1:{port}") as screen:
            deadline = time.monotonic() + PATIENCE_S
            while "not a message" not in screen.getvalue() and time.monotonic() < deadline:
                other.send(b"weather: fine")
                other.poll(20, zmq.POLLIN)
        assert "messages were not of driver-monitor" in screen.getvalue()
    finally:
        other.close(0)


@pytest.mark.parametrize(
    "connect",
    ["nonsense", "tcp://", "http://127.0.0.1:80", "tcp://127.0.0.1", "tcp://1:x", "tcp://127.0.0.1:99999", "tcp://h:0"],
)
def test_fail__what_is_no_endpoint_is_one_line(connect: str) -> None:
    with pytest.raises(UsageError) as caught:
        watch(connect, Console(file=io.StringIO()), lambda: True)
    assert connect in str(caught.value)
    assert "\n" not in str(caught.value)


def test_ok__ctrl_c_ends_it_cleanly() -> None:
    publisher = ZmqPublisher(ZmqConfig(bind="tcp://127.0.0.1:*"))
    program = (
        "import sys; from rich.console import Console; from driver_monitor.cli.watch import watch; "
        "watch(sys.argv[1], Console(force_terminal=True)); print('done')"
    )
    try:
        publisher.status(STATUS)
        with subprocess.Popen(
            [sys.executable, "-c", program, publisher.endpoint],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TERM": "xterm"},
        ) as child:
            assert child.stdout is not None
            late = threading.Timer(2 * PATIENCE_S, child.kill)
            late.start()
            assert any("camera ok" in line for line in child.stdout)
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=PATIENCE_S)
            late.cancel()
            assert out.splitlines()[-1].endswith("done")
            assert err == ""
            assert child.returncode == 0
    finally:
        publisher.close()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from([*STATE, *STATUS, *alert()])


@given(st.dictionaries(FIELDS, JSON), st.sampled_from(["alert/x/", "state/", "status/"]))
def test_ok__whatever_the_fields_hold_it_is_printed_without_control_characters(
    message: dict[str, Any], topic: str
) -> None:
    seen, screen, _ = watcher()
    seen.receive(frames(topic, message), 1.0)
    assert seen.malformed == 0
    assert screen.getvalue().replace("\n", "").isprintable()
    assert state_text(message).plain.isprintable()
    assert status_text(message).plain.isprintable()


@pytest.mark.parametrize("environment", ["service", "laptop"])
def test_ok__without_an_option_it_finds_the_service_and_a_daemon_started_by_hand(
    environment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both publish with the default configuration. The service has a runtime directory of systemd."""
    service = tmp_path / SOCKET_NAME
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    if environment == "service":
        monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
        bind = ZmqConfig().bind
    else:
        assert publish_address(ZmqConfig().bind) == LAPTOP_BIND
        bind = "tcp://127.0.0.1:*"  # the real port may be in use on this machine
    publisher = ZmqPublisher(ZmqConfig(bind=bind))
    monkeypatch.setattr(watching_module, "LAPTOP_BIND", publisher.endpoint if environment == "laptop" else WHERE)
    try:
        publisher.status(STATUS)
        with watching(None, width=400, service=str(service)) as screen:
            screen.wait_for("status: camera ok, light day")
        assert publisher.endpoint == (f"ipc://{service}" if environment == "service" else publisher.endpoint)
    finally:
        publisher.close()


def test_fail__a_user_outside_the_group_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may connect to everything, so the answer of the system is replaced."""
    socket_file = tmp_path / SOCKET_NAME
    socket_file.touch()
    monkeypatch.setattr(os, "access", lambda *_: False)
    out = Screen()
    watch(None, Console(file=out, width=400), lambda: True, str(socket_file))
    (line,) = out.getvalue().splitlines()
    assert f"the service publishes at ipc://{socket_file} for the group driver-monitor only" in line
    assert "sudo usermod -aG driver-monitor $USER" in line
    out = Screen()
    watch(None, Console(file=out, width=400), lambda: True, str(tmp_path / "absent"))
    assert out.getvalue() == ""


def test_ok__a_slow_daemon_is_one_line_however_the_share_of_dropped_frames_changes() -> None:
    lines = {
        status_text({"camera": {"state": "ok", "keeps_up": False, "drop_share": share}}).plain
        for share in (0.2, 0.21, 0.35)
    }
    assert len(lines) == 1
    assert "cannot keep up" in lines.pop()

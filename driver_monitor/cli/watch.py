"""`driver-monitor watch`: prints the messages of a running daemon as they arrive.

It is an ordinary subscriber: any other one gets the same messages.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

import zmq
from rich.console import Console
from rich.live import Live
from rich.text import Text

from driver_monitor.cli.curve.connection import ClientKeys, Connection
from driver_monitor.config.addresses import LAPTOP_BIND, MAX_PORT, SERVICE_SOCKET, tcp_port
from driver_monitor.errors import UsageError
from driver_monitor.messages.lines import advice, alert_text, board_words, clock, plain

SILENCE_S = 3.0
"""Time without a message after which the daemon counts as silent. The daemon sends a status every second."""
STALE_S = 3.0
"""Age at which a state is removed from the screen: it says nothing of the driver any more (ours)."""
SLOWEST_STATE_S = 5.0
"""Longest period of `state/` (`zmq.state_hz: 0.2`). Where states come that seldom, each stays for 1.5 periods."""
ALARM_STYLES = {
    "distracted": "bold yellow",
    "drowsy": "bold yellow",
    "asleep": "bold white on red",
    "unresponsive": "bold white on red",
}
"""Style of a state by its `attention`, where people must look at once."""
UNKNOWN_STYLE = "magenta"
SHOWS_EXPRESSION = ("attentive", "distracted")
"""With another `attention` the expression is left out: nobody must read "happy" beside a driver who sleeps."""
POLL_MS = 100
"""Longest wait for a message before `stop` and `Watcher.check_age` are called again."""
ADVICE = "give tcp://127.0.0.1:5556 or ipc:///path, as in zmq.bind"
GROUP = "driver-monitor"
"""The group of the service (systemd/driver-monitor.service). Its members may connect to the service's socket."""
MAX_IDS = 1000
"""Number of latest alert ids that are remembered, so that no alert is printed twice."""


class Watcher:
    """Prints new alerts and changed status on `out`, states by `show_state`. `malformed`: count of invalid messages."""

    def __init__(self, connect: str, out: Console, show_state: Callable[[Text], None]) -> None:
        self.malformed = 0
        self._connect, self._out, self._show_state = connect, out, show_state
        self._last_message = 0.0
        self._silent = False
        self._fault = ""
        self._ids: dict[str, None] = {}
        self._shown_status: Text | None = None
        self._last_state: float | None = None
        self._state_period_s = 0.0

    def receive(self, frames: list[bytes], now: float) -> None:
        """Show one message (`frames`: topic, JSON) that arrived at `now`, monotonic seconds. Repeats are left out."""
        try:
            topic, message = _decode(frames)
        except (ValueError, RecursionError):
            self.malformed += 1
            if self.malformed == 1:
                advice = f"check that a daemon runs at {self._connect}"
                self._print(f"not a message of driver-monitor; {advice}; more of them are only counted", "red")
            return
        if self._silent:
            self._print(f"messages from {self._connect} arrive again", "green")
        self._silent, self._fault, self._last_message = False, "", now
        if topic.startswith("alert/"):
            self._alert(message)
        elif topic == "status/":
            self._status(message)
        elif topic == "state/":
            self._state(message, now)

    def explain(self, fault: str) -> None:
        """Print why no message comes, once. It takes the place of the advice after a silence."""
        if fault != self._fault:
            self._fault = fault
            self._print(fault, "yellow")
        self._silent = True
        self._shown_status = None

    def check_age(self, now: float) -> None:
        """Remove a state that is too old. Print once per gap that no message came for `SILENCE_S`.

        Call it several times a second. `now`: monotonic seconds.
        """
        self._last_message = self._last_message or now
        silent = now - self._last_message >= SILENCE_S
        if self._last_state is not None and now - self._last_state >= max(STALE_S, 1.5 * self._state_period_s):
            self._last_state = None
            missing = "message" if silent else "state"
            self._show_state(Text(f"driver unknown: the daemon sends no {missing}", style=UNKNOWN_STYLE))
        if silent and not self._silent:
            self._silent = True
            self._shown_status = None
            self._print(f"no message for {SILENCE_S:.0f} s; check that a daemon runs at {self._connect}", "yellow")

    def _state(self, state: Mapping[str, Any], now: float) -> None:
        if self._last_state is not None:
            self._state_period_s = min(now - self._last_state, SLOWEST_STATE_S)
        self._last_state = now
        self._show_state(state_text(state))

    def _alert(self, alert: Mapping[str, Any]) -> None:
        name = str(alert.get("id"))
        if name in self._ids:
            return  # repeated for late subscribers
        self._ids[name] = None
        if len(self._ids) > MAX_IDS:
            del self._ids[next(iter(self._ids))]
        self._out.print(alert_text(alert), soft_wrap=True)

    def _status(self, status: Mapping[str, Any]) -> None:
        text = status_text(status)
        if text != self._shown_status:
            self._shown_status = text
            self._out.print(text, soft_wrap=True)

    def _print(self, text: str, style: str) -> None:
        self._out.print(Text(text, style=style), soft_wrap=True)


def watch(
    connect: str | None,
    out: Console,
    stop: Callable[[], bool] = lambda: False,
    service: str = SERVICE_SOCKET,
    keys: ClientKeys | None = None,
) -> None:
    """Print the messages of the daemon at `connect` (`tcp://host:port` or `ipc://path`) until `stop()` or Ctrl-C.

    `connect` None: listen to the two addresses of a daemon with the default configuration, the local socket `service`
    of the service and the TCP address of one that a person started. `keys`: for the encrypted address of a vehicle.
    Raises `UsageError` if `connect` is not valid.
    """
    if connect is not None:
        _check_port(connect)
    elif (locked := _locked(Path(service))) is not None:
        out.print(Text(locked, style="yellow"), soft_wrap=True)
    addresses = [connect] if connect is not None else [f"ipc://{service}", LAPTOP_BIND]
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.IPV6, int(any("[" in address for address in addresses)))
        socket.setsockopt(zmq.SUBSCRIBE, b"")
        connection = Connection(context, socket, connect, keys) if connect is not None else None
        for address in addresses:
            try:
                socket.connect(address)
            except zmq.ZMQError as error:
                reason = f"not a valid address ({error.strerror}); {ADVICE}"
                raise UsageError(f"--connect {plain(address)}: {reason}") from None
        _print_until(stop, socket, " or ".join(addresses), out, connection)


def _check_port(connect: str) -> None:
    port = tcp_port(connect)
    if port is not None and not 0 < port <= MAX_PORT:  # libzmq would wait for ever
        raise UsageError(f"--connect {plain(connect)}: port {port} does not exist; {ADVICE}")


def _locked(path: Path) -> str | None:
    """Return what to do if this user may not connect to the local socket `path`. None: they may, or there is none."""
    try:
        path.stat()
    except PermissionError:
        pass  # the folder is closed too
    except OSError:
        return None
    if os.access(path, os.W_OK):
        return None
    return (
        f"the service publishes at ipc://{path} for the group {GROUP} only; "
        f"use sudo, or add this user (sudo usermod -aG {GROUP} $USER) and log in again"
    )


def _print_until(
    stop: Callable[[], bool],
    socket: zmq.Socket[bytes],
    connect: str,
    out: Console,
    connection: Connection | None,
) -> None:
    with ExitStack() as stack:
        if connection is not None:
            stack.callback(connection.close)
        show_state = _on_change(out)
        if out.is_terminal:
            live = stack.enter_context(Live(console=out, transient=True, auto_refresh=False))
            show_state = partial(show_live, live)
        watcher = Watcher(connect, out, show_state)
        with suppress(KeyboardInterrupt):
            while not stop():
                if socket.poll(POLL_MS):
                    watcher.receive(socket.recv_multipart(), time.monotonic())
                elif connection is not None and (fault := connection.fault(time.monotonic())) is not None:
                    watcher.explain(fault)
                watcher.check_age(time.monotonic())
    if watcher.malformed:
        out.print(f"{watcher.malformed} messages were not of driver-monitor", style="red", highlight=False)


def show_live(live: Live, line: Text) -> None:
    """Show a state in place of the last one. A narrow terminal cuts its end: what matters most stands first."""
    line.no_wrap, line.overflow = True, "ellipsis"
    live.update(line, refresh=True)


def _on_change(out: Console) -> Callable[[Text], None]:
    """Return a function that prints a state when its words change; a file or a pipe cannot overwrite a line."""
    last_words: list[str] = []

    def show(line: Text) -> None:
        nonlocal last_words
        words = [word for word in line.plain.split() if not any(char.isdigit() for char in word)]
        if words != last_words:
            last_words = words
            out.print(line, soft_wrap=True)

    return show


def _decode(frames: list[bytes]) -> tuple[str, dict[str, Any]]:
    """Return topic and message. Raises `ValueError` or `RecursionError` if `frames` are not topic and JSON object."""
    topic, text = frames
    message = json.loads(text)
    if not isinstance(message, dict):
        raise ValueError("not a JSON object")
    return topic.decode(), message


def state_text(state: Mapping[str, Any]) -> Text:
    """Return a message of `state/` as one line: first the driver's attention and the active alerts.

    A missing value is shown as unknown. The expression is shown beside open eyes of a driver who is awake only.
    """
    eyes, gaze, perclos = (_part(state, key) for key in ("eyes", "gaze", "perclos"))
    attention, alerts = plain(state.get("attention") or "unknown"), _alerts(state.get("alerts"))
    words = [
        clock(state.get("t")),
        attention.upper() if attention in ALARM_STYLES else attention,
        *alerts,
        f"eyes {plain(eyes.get('state') or 'unknown')}{_number(eyes.get('openness'), ' {:.2f}')}",
        f"gaze {plain(gaze.get('zone') or 'unknown')}",
        f"PERCLOS {_number(perclos.get('value'), '{:.0%}') or 'unknown'}",
    ]
    label = _part(state, "emotion").get("label")
    if label and attention in SHOWS_EXPRESSION and eyes.get("state") == "open":
        words.append(plain(label))
    calm = "" if alerts else "dim"
    return Text(
        "  ".join(words), style=ALARM_STYLES.get(attention, calm if attention == "attentive" else UNKNOWN_STYLE)
    )


def _alerts(active: object) -> list[str]:
    """Return the active alerts of a state as one word of its line, nothing if there are none."""
    return [plain(", ".join(map(str, active)))] if isinstance(active, list) and active else []


def status_text(status: Mapping[str, Any]) -> Text:
    """Return a message of `status/` as one line: camera state, light, then `degraded` and active alerts if any."""
    degraded, active = status.get("degraded"), status.get("active")
    camera = _part(status, "camera").get("state") or "unknown"
    words = [f"status: camera {plain(camera)}", f"light {plain(status.get('light') or 'unknown')}"]
    if degraded:
        words.append(f"degraded: {plain(degraded)}{advice(status)}")
    words += [f"active: {rules}" for rules in _alerts(active)]
    slow = _part(status, "camera").get("keeps_up") is False
    if slow:
        # Without the share: it changes with each status, and a line that changes is printed again.
        words.append("cannot keep up: frames are dropped")
    words += (board := board_words(status))
    if fault := status.get("config_fault"):
        words.append(f"configuration: {plain(fault)}")
    return Text(", ".join(words), style="magenta" if degraded or fault or slow or board else "blue")


def _part(message: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = message.get(key)
    return part if isinstance(part, Mapping) else {}


def _number(value: object, form: str) -> str:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return ""
    try:
        return form.format(float(value))
    except OverflowError:  # JSON numbers have no limit
        return ""

"""`driver-monitor watch`: a running daemon's topics, readable, live.

A SUB socket and a console, nothing else: what it prints is what any subscriber gets.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import zmq
from rich.console import Console
from rich.live import Live
from rich.text import Text

from driver_monitor.errors import UsageError
from driver_monitor.messages.lines import alert_text, clock, plain

SILENCE_S = 3.0
"""A status comes every second; three missed are no accident."""
POLL_MS = 100

Stop = Callable[[], bool]


class Watcher:
    """Turns messages into lines on `out`. `malformed` counts what was no message of ours."""

    def __init__(self, connect: str, out: Console, show_state: Callable[[Text], None]) -> None:
        self.malformed = 0
        self._connect, self._out, self._show_state = connect, out, show_state
        self._since = 0.0
        self._silent = False
        self._ids: dict[str, None] = {}
        self._health: Text | None = None

    def frames(self, frames: list[bytes], now: float) -> None:
        """Take one message as it came, at `now` monotonic seconds."""
        try:
            topic, message = _decode(frames)
        except ValueError as error:
            self.malformed += 1
            if self.malformed == 1:
                self._say(f"not a message of driver-monitor: {plain(error)}; counted from here on", "red")
            return
        if self._silent:
            self._say(f"{self._connect} is heard again", "green")
        self._silent, self._since = False, now
        if topic.startswith("alert/"):
            self._alert(message)
        elif topic == "status/":
            self._status(message)
        elif topic == "state/":
            self._show_state(state_text(message))

    def idle(self, now: float) -> None:
        """Say once when nothing has been heard for `SILENCE_S`."""
        if not self._since:
            self._since = now
        if not self._silent and now - self._since >= SILENCE_S:
            self._silent = True
            self._say(f"nothing heard for {SILENCE_S:.0f} s: no daemon at {self._connect}?", "yellow")

    def _alert(self, alert: Mapping[str, Any]) -> None:
        name = str(alert.get("id"))
        if name in self._ids:
            return  # a repetition for late subscribers carries the same id
        self._ids[name] = None
        if len(self._ids) > 1000:
            del self._ids[next(iter(self._ids))]
        self._out.print(alert_text(alert), soft_wrap=True)

    def _status(self, status: Mapping[str, Any]) -> None:
        health = status_text(status)
        if health != self._health:
            self._health = health
            self._out.print(health, soft_wrap=True)

    def _say(self, text: str, style: str) -> None:
        self._out.print(Text(text, style=style), soft_wrap=True)


def watch(connect: str, out: Console, stop: Stop = lambda: False) -> Watcher:
    """Print what the daemon at `connect` (`tcp://host:port` or `ipc://path`) says, until `stop()` or Ctrl-C.

    Returns the watcher with its counts. Raises `UsageError` when `connect` is no endpoint.
    """
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.SUB)
    try:
        socket.setsockopt(zmq.IPV6, int("[" in connect))
        socket.setsockopt(zmq.SUBSCRIBE, b"")
        where = "give tcp://127.0.0.1:5556 or ipc:///path, as in zmq.bind"
        port = re.fullmatch(r"tcp://.*:(\d+)", connect)
        if port and not 0 < int(port[1]) <= 65535:  # libzmq would wait for it for ever
            raise UsageError(f"--connect {plain(connect)}: there is no port {port[1]}; {where}")
        try:
            socket.connect(connect)
        except zmq.ZMQError as error:
            raise UsageError(f"--connect {plain(connect)}: no endpoint ({error.strerror}); {where}") from None
        return _watch(socket, connect, out, stop)
    finally:
        socket.close(0)
        context.term()


def _watch(socket: zmq.Socket[bytes], connect: str, out: Console, stop: Stop) -> Watcher:
    if not out.is_terminal:
        watcher = Watcher(connect, out, _on_change(out))
        _follow(socket, watcher, stop)
    else:
        with Live(console=out, transient=True, auto_refresh=False) as live:
            watcher = Watcher(connect, out, lambda line: live.update(line, refresh=True))
            _follow(socket, watcher, stop)
    if watcher.malformed:
        out.print(f"{watcher.malformed} messages were not of driver-monitor", style="red", highlight=False)
    return watcher


def _follow(socket: zmq.Socket[bytes], watcher: Watcher, stop: Stop) -> None:
    try:
        while not stop():
            if socket.poll(POLL_MS):
                watcher.frames(socket.recv_multipart(), time.monotonic())
            else:
                watcher.idle(time.monotonic())
    except KeyboardInterrupt:
        return


def _on_change(out: Console) -> Callable[[Text], None]:
    """In a file or a pipe a line that is overwritten makes no sense: print it when its words change."""
    before = ""

    def show(line: Text) -> None:
        nonlocal before
        words = " ".join(word for word in line.plain.split() if not any(char.isdigit() for char in word))
        if words != before:
            before = words
            out.print(line, soft_wrap=True)

    return show


def _decode(frames: list[bytes]) -> tuple[str, dict[str, Any]]:
    if len(frames) != 2:
        raise ValueError(f"{len(frames)} frames instead of topic and JSON")
    try:
        message = json.loads(frames[1])
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(message, dict):
        raise ValueError("the JSON is no object")
    return frames[0].decode(), message


def state_text(state: Mapping[str, Any]) -> Text:
    """Return the driver's state on one line; what is missing or strange is shown as unknown."""
    eyes, gaze, perclos = (_part(state, key) for key in ("eyes", "gaze", "perclos"))
    words = [
        clock(state.get("t")),
        plain(state.get("attention") or "unknown"),
        f"eyes {plain(eyes.get('state') or 'unknown')}{_number(eyes.get('openness'), ' {:.2f}')}",
        f"gaze {plain(gaze.get('zone') or 'unknown')}",
        f"PERCLOS {_number(perclos.get('value'), '{:.0%}') or 'unknown'}",
    ]
    label = _part(state, "emotion").get("label")
    if label:
        words.append(plain(label))
    return Text("  ".join(words), style="dim")


def status_text(status: Mapping[str, Any]) -> Text:
    """Return what matters of the daemon's health, without what changes every second."""
    degraded = status.get("degraded")
    words = [f"status: camera {plain(_name(status.get('camera')))}", f"light {plain(status.get('light') or 'unknown')}"]
    if degraded:
        words.append(f"degraded: {plain(degraded)}")
    active = status.get("active")
    if isinstance(active, list) and active:
        words.append(f"active: {plain(', '.join(map(str, active)))}")
    return Text(", ".join(words), style="magenta" if degraded else "blue")


def _name(value: object) -> object:
    """Return the camera's state, which may stand in an object with more about the camera."""
    return (value.get("state") if isinstance(value, Mapping) else value) or "unknown"


def _part(message: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = message.get(key)
    return part if isinstance(part, Mapping) else {}


def _number(value: object, form: str) -> str:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return ""
    try:
        return form.format(float(value))
    except OverflowError:  # JSON knows no largest number
        return ""

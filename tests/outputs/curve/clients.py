"""Real libzmq clients with keys, as programs on other computers use them. They wait for conditions, never for time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zmq
from zmq.utils.monitor import parse_monitor_message

from driver_monitor.keys.certificate import Certificate
from driver_monitor.keys.key_folder import KeyFolder, new_pair

PATIENCE_S = 20.0
"""Only a failing test waits so long."""


class Depot:
    """A folder of keys, and pairs of clients by name. `server`: the public key of the vehicle."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys = KeyFolder(folder)
        self.server = self.keys.make().public

    def client(self, name: str) -> Certificate:
        """Put a client on the list, and return its pair."""
        pair = new_pair(self.server)
        self.keys.add(name, pair.public)
        return pair


class Client:
    """A SUB socket that subscribes to everything. `pair` None: without keys. `server`: the vehicle's public key.

    `heard`: topic and message of all that came. `events`: names of what libzmq told of the connection.
    """

    def __init__(self, endpoint: str, pair: Certificate | None, server: str = "", kind: int = zmq.SUB) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.events: list[str] = []
        self._context = zmq.Context()
        self.socket: zmq.Socket[bytes] = self._context.socket(kind)
        self.socket.setsockopt(zmq.LINGER, 0)
        if pair is not None:
            self.socket.setsockopt(zmq.CURVE_PUBLICKEY, pair.public.encode())
            self.socket.setsockopt(zmq.CURVE_SECRETKEY, str(pair.secret).encode())
            self.socket.setsockopt(zmq.CURVE_SERVERKEY, (server or str(pair.server)).encode())
        self._monitor = self.socket.get_monitor_socket()
        if kind == zmq.SUB:
            self.socket.subscribe("")
        self.socket.connect(endpoint.replace("0.0.0.0", "127.0.0.1"))

    def look(self) -> None:
        """Take what is there, without waiting."""
        while self.socket.poll(0):
            topic, payload = self.socket.recv_multipart()
            self.heard.append((topic.decode(), json.loads(payload)))
        while self._monitor.poll(0):
            self.events.append(zmq.Event(parse_monitor_message(self._monitor.recv_multipart())["event"]).name or "")

    def until(self, true: Callable[[], bool]) -> None:
        """Wait until a condition about this client is true."""
        end = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < end, (self.heard[-3:], self.events[-12:])
            self.socket.poll(10)
            self.look()

    def ids(self) -> list[str]:
        return [message["id"] for _, message in self.heard if "id" in message]

    def hears(self, identity: str) -> None:
        """Wait for an alert with this id."""
        self.until(lambda: identity in self.ids())

    def told(self, event: str, times: int = 1) -> None:
        """Wait until libzmq has told `event` so often."""
        self.until(lambda: self.events.count(event) >= times)

    def close(self) -> None:
        self.socket.disable_monitor()
        self._context.destroy(0)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

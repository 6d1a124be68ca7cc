"""`driver-monitor fleet watch`: listens to the broker until it is stopped, and connects again when it is lost."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

from driver_monitor.fleet.look.watcher import BrokerMessage, Choice, FleetWatcher, WatchEvent
from driver_monitor.mqtt import topics
from driver_monitor.mqtt.broker import Broker
from driver_monitor.mqtt.client import ClientSettings, build_client, check_installed, connect, digest_in, serve, trouble
from driver_monitor.mqtt.login import Login

if TYPE_CHECKING:
    from paho.mqtt.client import Client

POLL_S = 0.1
"""Longest wait for a message before `stop` is asked again."""
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
"""Waits before the broker is tried again: doubled each time (ours)."""


class BrokerWatch:
    """One watch of the messages at `broker`. `run` returns when `stop()` says so, or with Ctrl-C.

    Raises `ConfigError` for files of `login` that cannot be used, or without paho-mqtt.
    """

    def __init__(self, broker: Broker, login: Login, choice: Choice, show: Callable[[WatchEvent], None]) -> None:
        check_installed()
        self._broker, self._login, self._choice, self._show = broker, login, choice, show
        self._watcher = FleetWatcher(choice, show)
        self._settings = ClientSettings(f"dm-watch-{uuid.uuid4().hex[:12]}")
        self._context = login.tls_context() if broker.tls else None
        self._ended: str | None = None
        self._untold: list[Callable[[], None]] = []
        self._wait_s = FIRST_WAIT_S

    def run(self, stop: Callable[[], bool] = lambda: False) -> int:
        """Tell what happens until `stop()`. Returns how many messages were no alerts."""
        with suppress(KeyboardInterrupt):
            while not stop():
                self._connection(stop)
                self._pause(stop)
        return self._watcher.malformed

    def _connection(self, stop: Callable[[], bool]) -> None:
        """Listen with one connection, until it is lost."""
        client = build_client(self._broker, self._login, self._settings, self._context)
        client.on_connect, client.on_subscribe, client.on_message = self._answered, self._subscribed, self._received
        self._ended = self._attempt(lambda: connect(client, self._broker, self._settings))
        while self._ended is None and not stop():
            served = self._attempt(lambda: self._serve(client))
            # Outside of the attempt: a pipe whose reader has ended is no fault of the broker.
            for tell in self._untold:
                tell()
            self._untold.clear()
            self._watcher.check_age(time.monotonic())
            self._ended = self._ended or served
        self._attempt(client.disconnect)
        if self._ended is not None:
            self._watcher.lost(f"{self._broker}: {self._ended}")

    def _serve(self, client: Client) -> None:
        if not serve(client, POLL_S):
            raise ConnectionError("the connection has ended")

    @staticmethod
    def _attempt(action: Callable[[], object]) -> str | None:
        """Return why the network does not let us do `action`; None: it does."""
        try:
            action()
        except Exception as error:  # paho has exceptions of its own for packets that break the protocol
            return trouble(error)
        return None

    def _pause(self, stop: Callable[[], bool]) -> None:
        end = time.monotonic() + self._wait_s
        self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)
        while not stop() and (rest := end - time.monotonic()) > 0:
            time.sleep(min(rest, POLL_S))

    def _answered(self, client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._ended = f"it refuses this program ({reason}); check --user, --certificate and the clock"
            return
        self._wait_s = FIRST_WAIT_S
        self._untold.append(partial(self._watcher.connected, time.monotonic()))
        client.subscribe([(pattern, 1) for pattern in subscriptions(self._choice)])

    def _subscribed(self, _client: Client, _data: Any, _id: int, reasons: list[Any], _properties: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            text = "the broker does not let this user read everything; change its access list (docs/fleet.md)"
            self._untold.append(partial(self._show, WatchEvent("refused", text=text)))

    def _received(self, _client: Client, _data: Any, message: Any) -> None:
        with suppress(UnicodeDecodeError):  # a topic that is no text
            heard = BrokerMessage(
                message.topic,
                message.payload,
                datetime.now(timezone.utc),
                digest_in(message.properties),
                message.retain,
            )
            self._untold.append(partial(self._watcher.receive, heard, time.monotonic()))


def subscriptions(choice: Choice) -> list[str]:
    """Return the topics to subscribe to: those of the named vehicles, or of all if a name has a star."""
    return list(dict.fromkeys(_subscriptions(choice)))


def _subscriptions(choice: Choice) -> Iterator[str]:
    names = choice.vehicles or ["*"]
    for name in ["+"] if any("*" in name for name in names) else names:
        yield topics.alert(name, "#")
        yield topics.online(name)
        yield topics.status(name)

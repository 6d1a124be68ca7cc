"""One connection to one broker, from CONNECT to its end. What the broker says is noted, and the owner reads it."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from driver_monitor.mqtt import client as mqtt
from driver_monitor.mqtt.broker import Broker
from driver_monitor.mqtt.client import ClientSettings
from driver_monitor.mqtt.login import Login
from driver_monitor.outputs.uplink import faults

FAREWELL_WAIT_S = 0.05
"""Longest time in which the last packet leaves (ours). It is in the kernel's buffer within microseconds."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The broker's answer to CONNECT. `code`: 0 if it accepts. `resumed`: it has kept the session of an earlier one."""

    code: int
    reason: str
    resumed: bool


@dataclass
class Heard:
    """What the broker has said since the last look: its acknowledgements, messages, and refusals of a subscription.

    `published`: number of a message, and the code and the words of the answer. `messages`: topic, payload.
    """

    answer: Answer | None = None
    published: list[tuple[int, int, str]] = field(default_factory=list)
    messages: list[tuple[str, bytes]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


class BrokerConnection:
    """A connection to `broker`. `cancelled`: returns True when it must not be opened any more.

    `context`: the TLS context of `login`; None: its files are read.

    `ended`: code and reason of the end, once it has ended. `keepalive_s`: `serve` must be called at least so often.
    """

    def __init__(
        self,
        broker: Broker,
        login: Login,
        settings: ClientSettings,
        cancelled: Callable[[], bool] = lambda: False,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.broker = broker
        self.ended: tuple[int, str] | None = None
        self.keepalive_s = float(settings.keepalive_s)
        self._settings, self._cancelled = settings, cancelled
        self._heard = Heard()
        self._subscribed: dict[int | None, str] = {}
        self._error = ""
        self._client = mqtt.build_client(broker, login, settings, context)
        self._client.on_socket_open = self._opened
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.on_log = self._on_log

    def open(self) -> None:
        """Connect; waits for DNS, TCP and TLS. Raises what `mqtt.client.connect` raises."""
        mqtt.connect(self._client, self.broker, self._settings)

    def serve(self, wait_s: float, woken: socket.socket | None = None) -> None:
        """Read and write what is possible, after a wait of at most `wait_s` (see `mqtt.client.serve`)."""
        try:
            alive = mqtt.serve(self._client, wait_s, woken)
        except Exception as error:  # paho raises many kinds for bytes that are no MQTT
            alive = False
            self.ended = self.ended or (0, f"it sends what is no MQTT 5 ({type(error).__name__}: {error})")
            self.drop()
        if not alive and self.ended is None:
            self.ended = (0, self._error or "closed by the broker")

    def heard(self) -> Heard:
        """Return what the broker has said since the last call."""
        heard, self._heard = self._heard, Heard()
        return heard

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, digest: bool = False) -> int:
        """Send a message with QoS 1. Returns the number with which the broker acknowledges it (`Heard.published`).

        `digest`: with the SHA-256 of the payload as a property. Raises `ValueError` if `topic` cannot be one.
        """
        properties = mqtt.digest_property(payload) if digest else None
        return self._client.publish(topic, payload, qos=1, retain=retain, properties=properties).mid

    def subscribe(self, topic: str) -> None:
        """Ask for the messages of `topic`, QoS 1."""
        _, number = self._client.subscribe(topic, qos=1)
        self._subscribed[number] = topic

    def leave(self) -> None:
        """Say farewell, so that the broker does not publish the will, and close."""
        self._client.disconnect()
        end = time.monotonic() + FAREWELL_WAIT_S
        while self._client.want_write() and self._client.socket() is not None and time.monotonic() < end:
            self.serve(FAREWELL_WAIT_S)
        self.drop()

    def drop(self) -> None:
        """Close without a farewell; the broker publishes the will. May be called twice, also if it was never open.

        The client lets go of this object, so that both are freed at once: thousands of attempts fail in a day without
        a network, and Python's garbage collector would leave hundreds of them in memory.
        """
        if (opened := self._client.socket()) is not None:
            opened.close()
        client = self._client
        client.on_socket_open = client.on_connect = client.on_disconnect = client.on_publish = None
        client.on_subscribe = client.on_message = client.on_log = None

    def _opened(self, _client: object, _data: object, opened: Any) -> None:
        if self._cancelled():
            opened.close()
            raise ConnectionAbortedError("the daemon stops")
        mqtt.no_delay(opened)

    def _on_connect(self, _client: object, _data: object, flags: Any, code: Any, _properties: object) -> None:
        self._heard.answer = Answer(code.value, str(code), bool(flags.session_present))

    def _on_disconnect(self, _client: object, _data: object, flags: Any, code: Any, _properties: object) -> None:
        from_broker = flags.is_disconnect_packet_from_server
        reason = str(code) if from_broker else self._error or "closed by the broker or the network"
        self.ended = self.ended or (code.value if from_broker else 0, reason)

    def _on_publish(self, _client: object, _data: object, number: int, code: Any, _properties: object) -> None:
        self._heard.published.append((number, code.value, str(code)))

    def _on_subscribe(self, _client: object, _data: object, number: int, codes: Any, _properties: object) -> None:
        topic = self._subscribed.pop(number, None)
        if topic is not None and any(code.is_failure for code in codes):
            self._heard.refused.append(topic)

    def _on_message(self, _client: object, _data: object, message: Any) -> None:
        self._heard.messages.append((message.topic, bytes(message.payload)))

    def _on_log(self, _client: object, _data: object, _level: int, text: str) -> None:
        """Keep the reason of an error: paho tells it in its log only."""
        if "on socket: " in text:
            self._error = self._refusal() or text.partition("on socket: ")[2]

    def _refusal(self) -> str:
        """Return the reason that the broker gave before it closed a TLS connection; empty: none.

        With TLS 1.3 a broker refuses a certificate after the handshake. Then writing fails, and the reason is unread.
        """
        opened = self._client.socket()
        if not isinstance(opened, ssl.SSLSocket):
            return ""
        try:
            opened.recv(1)
        except (OSError, ValueError) as error:
            return str(error) if faults.is_refusal(str(error)) else ""
        return ""

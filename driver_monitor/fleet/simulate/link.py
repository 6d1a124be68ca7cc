"""One vehicle's connection to a broker: a real MQTT 5 client among thousands on one poller."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from driver_monitor.fleet.simulate.poller import Poller
from driver_monitor.messages.wire import Message, encode
from driver_monitor.mqtt import topics
from driver_monitor.mqtt.broker import Broker
from driver_monitor.mqtt.client import ClientSettings, build_client, connect, digest_property
from driver_monitor.mqtt.login import Login
from driver_monitor.spool.entry import SpoolEntry

if TYPE_CHECKING:  # an extra
    from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
    from paho.mqtt.reasoncodes import ReasonCode


@dataclass(frozen=True, slots=True)
class Network:
    """What all vehicles share: the poller and the broker. `login`: takes a vehicle, returns who it is, and its TLS.

    Without TLS the second of them is None.
    """

    poller: Poller
    broker: Broker
    login: Callable[[str], tuple[Login, ssl.SSLContext | None]]


@dataclass(frozen=True, slots=True)
class Events:
    """What a link reports. `connected`: with whether the broker still has an earlier session. `ended`: also refused.

    `published`: an alert's id, and the code of the broker's answer. `stored`: the payload of a message `stored`.
    """

    connected: Callable[[bool], None]
    ended: Callable[[], None]
    published: Callable[[str, int], None]
    stored: Callable[[bytes], None]


class VehicleLink:
    """One connection of the vehicle `name`. A new connection takes a new link."""

    def __init__(self, name: str, network: Network, settings: ClientSettings, events: Events) -> None:
        self._name, self._broker, self._settings, self._events = name, network.broker, settings, events
        self._flying: dict[int, str] = {}
        self._ended = False
        login, context = network.login(name)
        self._client = build_client(network.broker, login, settings, context)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        self._client.on_message = self._on_message
        network.poller.adopt(self._client)

    def open(self) -> bool:
        """Connect; waits for TCP and TLS. Returns whether that worked; the broker's answer comes as an event."""
        try:
            connect(self._client, self._broker, self._settings)
        except (OSError, ValueError):
            self._ended = True
            return False
        return True

    def send(self, entry: SpoolEntry) -> None:
        """Publish an alert."""
        topic = topics.alert(self._name, entry.rule)
        info = self._client.publish(topic, entry.body, qos=1, properties=digest_property(entry.body))
        self._flying[info.mid] = entry.id

    def tell(self, topic: str, message: Message) -> None:
        """Publish a retained message, such as the status."""
        self._client.publish(topic, encode(message), qos=1, retain=True)

    def keep_alive(self) -> None:
        """Ask the broker whether it is there, if it is time to; call it every some seconds."""
        self._client.loop_misc()

    def leave(self) -> None:
        """End the connection in peace: the broker does not publish the will."""
        self._ended = True
        self._client.disconnect()

    def lose(self) -> None:
        """End the connection without a word, as a dead spot or a power cut does."""
        self._ended = True
        connection = self._client.socket()
        if connection is not None:
            self._client.on_socket_close(self._client, None, connection)  # type: ignore[misc]
            with suppress(OSError):
                connection.close()

    def _on_connect(self, client: Client, _: object, flags: ConnectFlags, reason: ReasonCode, *_more: object) -> None:
        if reason.is_failure:
            self._report_end()
            return
        client.subscribe(topics.stored(self._name), qos=1)
        self._events.connected(flags.session_present)

    def _on_disconnect(self, *_: object) -> None:
        self._report_end()

    def _report_end(self) -> None:
        if not self._ended:
            self._ended = True
            self._events.ended()

    def _on_publish(self, _: object, _data: object, number: int, reason: ReasonCode, *_more: object) -> None:
        if (id_ := self._flying.pop(number, None)) is not None and not self._ended:
            self._events.published(id_, reason.value)

    def _on_message(self, _: object, _data: object, message: MQTTMessage) -> None:
        if not self._ended:
            self._events.stored(bytes(message.payload))

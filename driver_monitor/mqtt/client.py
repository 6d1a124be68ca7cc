"""Builds the MQTT 5 client (paho-mqtt) of car, collector, watch and simulator.

The client has no thread of its own and does not connect again by itself: its owner calls `serve`, or, with many clients
on one selector, paho's `loop_read`, `loop_write` and `loop_misc`. A new connection takes a new client: paho would send
what an old one still holds, in its own order.
"""

from __future__ import annotations

import hashlib
import select
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from driver_monitor.errors import ConfigError
from driver_monitor.mqtt.broker import Broker
from driver_monitor.mqtt.login import Login
from driver_monitor.mqtt.topics import DIGEST

if TYPE_CHECKING:  # paho is an extra, and takes 40 ms to import
    from paho.mqtt.client import Client
    from paho.mqtt.properties import Properties

KEEPALIVE_S = 60
"""Seconds of silence after which a client asks whether the broker is there (ours). Without an answer in as many seconds
the connection counts as lost. The broker publishes the will after one and a half times as many (MQTT 5, 3.1.2.10)."""
CONNECT_S = 5.0
"""Longest wait for TCP and for each step of the TLS handshake (ours). A mobile network answers within 2 s."""
MOST_PACKET = 1_000_000
"""Largest packet, in bytes, that a broker may send (ours). 500 ids have 20 kB, an alert 2 kB."""


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes, retained, when the connection ends without a farewell."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """How a client introduces itself to a broker.

    `clean_start`: the broker forgets what an earlier connection of this client left. `session_expiry_s`: how long it
    keeps subscriptions and messages for this client after a connection. `receive_maximum`: how many messages it may
    send before the client acknowledges one; None: 65,535. `manual_ack`: messages are acknowledged by `Client.ack` only.
    """

    client_id: str
    clean_start: bool = True
    session_expiry_s: int = 0
    receive_maximum: int | None = None
    will: Will | None = None
    manual_ack: bool = False
    keepalive_s: int = KEEPALIVE_S
    connect_s: float = CONNECT_S


def check_installed() -> None:
    """Raise `ConfigError` if paho-mqtt is not installed."""
    try:
        import paho.mqtt.client  # noqa: F401
    except ImportError:
        raise ConfigError("MQTT needs paho-mqtt; install it with: pip install 'driver-monitor[fleet]'") from None


def build_client(
    broker: Broker, login: Login, settings: ClientSettings, context: ssl.SSLContext | None = None
) -> Client:
    """Return a client for one connection to `broker`; `connect` opens it. Raises `ConfigError`: files, or no paho-mqtt.

    `context`: the TLS context of `login`, for many clients with the same one; None: the files are read.
    """
    check_installed()
    from paho.mqtt.client import Client, MQTTv5
    from paho.mqtt.enums import CallbackAPIVersion

    client = Client(
        CallbackAPIVersion.VERSION2,
        settings.client_id,
        protocol=MQTTv5,
        reconnect_on_failure=False,
        manual_ack=settings.manual_ack,
    )
    client.connect_timeout = settings.connect_s
    client.on_socket_open = lambda _client, _data, opened: no_delay(opened)
    if login.user is not None:
        client.username_pw_set(login.user, login.password())
    if broker.tls:
        client.tls_set_context(login.tls_context() if context is None else context)
    if settings.will is not None:
        client.will_set(settings.will.topic, settings.will.payload, qos=1, retain=True)
    return client


def connect(client: Client, broker: Broker, settings: ClientSettings) -> None:
    """Open the connection and send CONNECT; `on_connect` gets the broker's answer. Waits for DNS, TCP and TLS.

    Raises `OSError`, also for a certificate that is refused, and `ValueError` for a name that cannot be one of a host.
    """
    from paho.mqtt.packettypes import PacketTypes

    wanted = _properties(PacketTypes.CONNECT)
    wanted.SessionExpiryInterval = settings.session_expiry_s
    wanted.MaximumPacketSize = MOST_PACKET
    if settings.receive_maximum is not None:
        wanted.ReceiveMaximum = settings.receive_maximum
    client.connect(broker.host, broker.port, settings.keepalive_s, clean_start=settings.clean_start, properties=wanted)


def serve(client: Client, wait_s: float, woken: socket.socket | None = None) -> bool:
    """Read, write and keep alive, after a wait of at most `wait_s` for something to do. False: the connection is gone.

    `woken`: a socket that ends the wait when it can be read; the owner reads it.
    """
    connection = client.socket()
    if connection is None:
        return False
    poll = select.poll()
    poll.register(connection, select.POLLIN | (select.POLLOUT if client.want_write() else 0))
    if woken is not None:
        poll.register(woken, select.POLLIN)
    ready = dict(poll.poll(0 if _pending(connection) else wait_s * 1000))
    if _pending(connection) or ready.get(connection.fileno(), 0) & ~select.POLLOUT:
        client.loop_read()
    # TLS decrypts whole records: what is left of one never makes the socket readable.
    while client.socket() is connection and _pending(connection):
        client.loop_read()
    if client.socket() is not None and client.want_write():
        client.loop_write()
    client.loop_misc()
    return client.socket() is not None


def no_delay(connection: object) -> None:
    """Switch off Nagle's algorithm, which holds small packets back until an earlier one is acknowledged."""
    if isinstance(connection, socket.socket) and connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def digest_property(payload: bytes) -> Properties:
    """Return the properties of an alert: the user property `sha256` of its payload."""
    from paho.mqtt.packettypes import PacketTypes

    properties = _properties(PacketTypes.PUBLISH)
    properties.UserProperty = (DIGEST, hashlib.sha256(payload).hexdigest())
    return properties


def digest_in(properties: Properties | None) -> str | None:
    """Return the user property `sha256` of a received message; None: there is none, or several that differ."""
    found = {value for name, value in getattr(properties, "UserProperty", ()) if name == DIGEST}
    return found.pop() if len(found) == 1 else None


def _properties(packet: int) -> Properties:
    from paho.mqtt.properties import Properties

    return Properties(packet)  # type: ignore[no-untyped-call]


def _pending(connection: object) -> int:
    return connection.pending() if isinstance(connection, ssl.SSLSocket) else 0


def trouble(error: Exception) -> str:
    """Return in words why an operator's program could not connect, and what to check if that is known."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}; check --ca, host and clock"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__

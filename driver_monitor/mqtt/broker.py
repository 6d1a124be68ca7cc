"""Addresses of MQTT brokers: `mqtts://host:port`, or `mqtt://` without TLS on this machine only."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

TLS_PORT = 8883
PLAIN_PORT = 1883
"""The registered ports of MQTT (IANA)."""
ADVICE = "use mqtts://HOST, or mqtts://HOST:PORT"


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker listens. `tls`: False only on loopback."""

    host: str
    port: int
    tls: bool

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


def parse_broker(address: str) -> Broker:
    """Return the broker at `address`. Raises `ValueError`: no such address, or no TLS beyond this machine."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise ValueError(f"'{address:.60}' has no valid port; {ADVICE}") from None
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise ValueError(f"'{address:.60}' is not the address of an MQTT broker; {ADVICE}")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a user and a password do not belong into the address; use user and password_file")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(f"'{address:.60}' has more than host and port; {ADVICE}")
    if port == 0:
        raise ValueError(f"'{address:.60}': nothing can be reached at port 0; {ADVICE}")
    tls = parts.scheme == "mqtts"
    if not tls and not _is_loopback(parts.hostname):
        raise ValueError(f"'{address:.60}' would send alerts through the network unencrypted; {ADVICE}")
    return Broker(parts.hostname, port or (TLS_PORT if tls else PLAIN_PORT), tls)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

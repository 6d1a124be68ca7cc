"""Says in one line why the operator's broker cannot be used, and what to do. Pure."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from typing import Literal

from driver_monitor.errors import ConfigError

Kind = Literal["reach", "certificate", "ours", "tls", "login", "silent", "taken", "lost", "right", "refusal", "files"]

NETWORK = "check the network, uplink.brokers and, as a service, the drop-in network.conf (docs/install.md)"
LOGIN_CODES = {0x84: "it speaks no MQTT 5", 0x85: "it does not accept this client id", 0x8A: "this vehicle is banned",
               0x86: "user or password is wrong", 0x87: "not authorised", 0x8C: "it wants another login"}  # fmt: skip
"""Answers to CONNECT that waiting does not change (MQTT 5, 3.2.2.2)."""
TAKEN_OVER = 0x8E
"""Reason of a DISCONNECT: another client has connected with this client id."""
NOT_AUTHORISED = 0x87
_ALERT = "_ALERT_"
"""In texts of OpenSSL: the other side has refused something and says so, such as TLSV1_ALERT_UNKNOWN_CA."""


@dataclass(frozen=True, slots=True)
class UplinkFault:
    """Why there is no connection. One of a `kind` is logged once. `text`: with what to do."""

    kind: Kind
    text: str


def of_attempt(broker: str, error: Exception) -> UplinkFault:
    """Return the fault of an attempt to connect to `broker` that has raised `error`."""
    reason = _reason(error)
    if isinstance(error, ConfigError):
        return UplinkFault("files", f"{reason}; the daemon tries again; correct the files of uplink")
    if isinstance(error, ssl.SSLCertVerificationError):
        advice = "check uplink.ca, the name in uplink.brokers and the clock of this computer"
        return UplinkFault("certificate", f"{broker}: its certificate is not trusted: {error.verify_message}; {advice}")
    if isinstance(error, ssl.SSLError):
        return of_tls(broker, reason)
    if isinstance(error, socket.gaierror | UnicodeError):
        return UplinkFault("reach", f"{broker}: its name is not found: {reason}; {NETWORK}")
    return UplinkFault("reach", f"{broker}: cannot be reached: {reason}; {NETWORK}")


def is_refusal(reason: str) -> bool:
    """Return whether the broker has refused our side of TLS. `reason`: OpenSSL's."""
    return _ALERT in reason


def of_tls(broker: str, reason: str) -> UplinkFault:
    """Return the fault of an encryption that could not begin, or that the broker has ended. `reason`: OpenSSL's."""
    if is_refusal(reason):
        advice = "check uplink.certificate (missing, expired, of another CA), or ask the operator whether it is revoked"
        return UplinkFault("ours", f"{broker}: refuses the certificate of this vehicle: {reason}; {advice}")
    return UplinkFault("tls", f"{broker}: no encrypted connection: {reason}; check that this is its port for TLS")


def of_answer(broker: str, code: int, reason: str, vehicle: str) -> UplinkFault:
    """Return the fault of a broker that refuses to serve us. `code`, `reason`: of its CONNACK."""
    if code in LOGIN_CODES:
        advice = f"check uplink.user, uplink.password_file or uplink.certificate, and vehicle.id ({vehicle})"
        return UplinkFault("login", f"{broker}: refuses this vehicle: {LOGIN_CODES[code]}; {advice}")
    return UplinkFault("silent", f"{broker}: does not serve now: {reason}; nothing to do here, it is tried again")


def of_end(broker: str, code: int, reason: str, vehicle: str) -> UplinkFault:
    """Return the fault of a connection that has ended. `code`, `reason`: of the broker, or of the network (code 0)."""
    if code == TAKEN_OVER:
        advice = "give each car its own vehicle.id and certificate"
        return UplinkFault("taken", f"{broker}: another client has connected as {vehicle}; {advice}")
    if is_refusal(reason):
        return of_tls(broker, reason)
    advice = "it is tried again (if it ends again and again, another car may have this vehicle.id)"
    return UplinkFault("lost", f"{broker}: the connection has ended: {reason}; {advice}")


def silent(broker: str) -> UplinkFault:
    """Return the fault of a broker that takes the connection and does not answer."""
    return UplinkFault("silent", f"{broker}: does not answer; nothing to do here, the next broker is tried")


def no_right(topic: str) -> UplinkFault:
    """Return the fault of a broker that lets us in, but not use `topic`."""
    advice = "its access list must allow the name in the certificate, or the user, which must be vehicle.id"
    return UplinkFault("right", f"the broker does not let this vehicle use {topic}; {advice}")


def of_refusal(broker: str, code: int, reason: str, topic: str) -> UplinkFault:
    """Return the fault of a broker that refuses a message to `topic`. `code`, `reason`: of its PUBACK."""
    if code == NOT_AUTHORISED:
        return no_right(topic)
    return UplinkFault("refusal", f"{broker}: refuses messages to {topic}: {reason}; ask the operator about its limits")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__

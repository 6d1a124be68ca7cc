"""Answers libzmq's requests for access (ZAP, https://rfc.zeromq.org/spec/27/): is this key on the list?

pyzmq's ThreadAuthenticator is not used. An exception in its thread ends the thread, and nobody is told. It needs an
event loop of its own and a second thread that can die alone. Here the publisher's thread answers: it cannot die alone.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from zmq.utils import z85

from driver_monitor.outputs.curve.limits import ClientLimits

ADDRESS = "inproc://zeromq.zap.01"
"""Where libzmq asks, inside the process."""
DOMAIN = b"driver-monitor"
LOG_S = 60.0
"""Shortest time between two lines of the journal about the same client, or about strangers (ours)."""
GRANTED, TRY_AGAIN, REFUSED = b"200", b"300", b"400"
"""Status codes. A libzmq client gives up after 400, and tries again after 300."""

log = logging.getLogger(__name__)


class AccessList:
    """The list of clients and the answers for them. `refused`: number of requests that were refused."""

    def __init__(self) -> None:
        self.refused = 0
        self.names: Mapping[str, str] = MappingProxyType({})
        """The names of the clients by their public keys."""
        self.usable = False
        """Whether the list could be read. While it could not, nobody is let in, and clients try again."""
        self.limits = ClientLimits()
        self._logged: dict[str | None, float] = {}

    def replace(self, names: Mapping[str, str] | None) -> bool:
        """Use a new list; None: it cannot be read. Returns whether a client that was on the old one is not on it."""
        old = self.names if self.usable else {}
        self.usable, self.names = names is not None, MappingProxyType(dict(names or {}))
        self.limits.forget_all_but(frozenset(self.names))
        self._logged = {key: t for key, t in self._logged.items() if key is None or key in self.names}
        return any(self.names.get(key) is None for key in old)

    def answer(self, request: Sequence[bytes], now: float) -> list[bytes]:
        """Return the answer to `request`, without the envelope. `now`: monotonic seconds.

        The user id in the answer is the public key: each message of this client then carries it.
        """
        version, number, domain, address, _, mechanism, *credentials = request
        if (version, domain, mechanism) != (b"1.0", DOMAIN, b"CURVE") or len(credentials) != 1:
            raise ValueError(f"libzmq asks for access in a way that is not known: {version!r}, {mechanism!r}")
        key = z85.encode(credentials[0]).decode()
        status, reason = self._judge(key, address.decode(errors="replace"), now)
        self.refused += status != GRANTED
        user = key.encode() if status == GRANTED else b""
        return [b"1.0", number, status, reason, user, b""]

    def _judge(self, key: str, address: str, now: float) -> tuple[bytes, bytes]:
        name = self.names.get(key)
        if not self.usable:
            return TRY_AGAIN, b"the list of clients cannot be read"
        if name is None:
            self._log(
                None, now, "zmq: a client at %s is refused: its key %s is not on the list of zmq.keys", address, key
            )
            return REFUSED, b"this key is not on the list"
        if not self.limits.may_connect(key, now):
            self._log(key, now, "zmq: the client %s at %s connects too often, and must wait", name, address)
            return TRY_AGAIN, b"this client connects too often"
        self._log(key, now, "zmq: the client %s has connected from %s", name, address, level=logging.INFO)
        return GRANTED, b"OK"

    def _log(self, key: str | None, now: float, text: str, *values: str, level: int = logging.WARNING) -> None:
        if now - self._logged.get(key, -LOG_S) >= LOG_S:
            self._logged[key] = now
            log.log(level, text, *values)

"""How `watch` connects to the encrypted address of a vehicle, and says in words why it cannot."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import NamedTuple

import zmq
from zmq.utils.monitor import parse_monitor_message

from driver_monitor import PROGRAM
from driver_monitor.cli.curve.key_files import read_key
from driver_monitor.errors import KeysError, UsageError
from driver_monitor.keys import private_files
from driver_monitor.keys.certificate import parse
from driver_monitor.messages.lines import plain

AGAIN_S = 5.0
"""After a refusal libzmq gives up. So often a new connection is tried: the key may have come on the list (ours)."""
RETRY_MAX_MS = 5000
"""Longest pause between libzmq's own attempts, which begin with 0.1 s."""
BREAKS = 3
"""So many handshakes in a row must be broken off before this is told (ours): a daemon that ends breaks off one."""
_REFUSED, _BROKEN = zmq.EVENT_HANDSHAKE_FAILED_AUTH, zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
_MISMATCH, _DONE = zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL, zmq.EVENT_HANDSHAKE_SUCCEEDED
_numbers = itertools.count(1)


class ClientKeys(NamedTuple):
    """The pair of this client, the public key of the vehicle, and the file that they are from."""

    public: str
    secret: str
    server: str
    file: Path


def load_keys(file: Path, server_key: str | None) -> ClientKeys:
    """Return the keys in `file`, the one that `keys new` wrote. `server_key`: the vehicle's key, or a file with it.

    `server_key` None: `file` holds it. Raises `UsageError` or `KeysError`.
    """
    try:
        data, _ = private_files.read(file, {0, os.geteuid()})
        pair = parse(data)
    except FileNotFoundError:
        raise UsageError(f"--key {plain(str(file))}: there is no such file; give the file of `keys new`") from None
    except ValueError as error:
        raise UsageError(f"--key {plain(str(file))}: {error}; give the file of `{PROGRAM} keys new`") from None
    if pair.secret is None:
        raise UsageError(f"--key {plain(str(file))}: it holds no secret-key; give the file *.key_secret")
    server = pair.server if server_key is None else _server_key(server_key)
    if server is None:
        advice = f"add --server-key with what `{PROGRAM} keys server` prints at the vehicle"
        raise UsageError(f"--key {plain(str(file))}: it holds no server-key; {advice}")
    return ClientKeys(pair.public, pair.secret, server, file)


def _server_key(text: str) -> str:
    try:
        return read_key(text)
    except KeysError as error:
        raise UsageError(f"--server-key: {error}") from None


class Connection:
    """The connection of `socket` to `address`, with `keys` or without. It tries again also where libzmq gives up."""

    def __init__(
        self, context: zmq.Context[zmq.Socket[bytes]], socket: zmq.Socket[bytes], address: str, keys: ClientKeys | None
    ) -> None:
        self._socket, self._address, self._keys = socket, address, keys
        self._again_at: float | None = None
        self._breaks = 0
        if keys is not None:
            socket.setsockopt(zmq.CURVE_PUBLICKEY, keys.public.encode())
            socket.setsockopt(zmq.CURVE_SECRETKEY, keys.secret.encode())
            socket.setsockopt(zmq.CURVE_SERVERKEY, keys.server.encode())
            socket.setsockopt(zmq.RECONNECT_IVL_MAX, RETRY_MAX_MS)
        name = f"inproc://connection-{next(_numbers)}"
        socket.monitor(name, _REFUSED | _BROKEN | _MISMATCH | _DONE)
        self._events = context.socket(zmq.PAIR)
        self._events.setsockopt(zmq.LINGER, 0)
        self._events.connect(name)

    def close(self) -> None:
        """End the watch over the connection. The socket stays open."""
        self._socket.disable_monitor()
        self._events.close()

    def fault(self, now: float) -> str | None:
        """Return why the last attempt failed, once for each attempt; else None. Connect again where libzmq does not.

        `now`: monotonic seconds.
        """
        text = None
        while self._events.poll(0):
            event = parse_monitor_message(self._events.recv_multipart())
            self._breaks = self._breaks + 1 if event["event"] == _BROKEN else 0
            text = self._words(event["event"], event["value"])
            if event["event"] in (_REFUSED, _MISMATCH):
                self._again_at = now + AGAIN_S
        if self._again_at is not None and now >= self._again_at:
            self._again_at = None
            self._socket.disconnect(self._address)
            self._socket.connect(self._address)
        return text

    def _words(self, event: int, detail: int) -> str | None:
        """Return what an event means. None: nothing is wrong, or nothing is certain yet."""
        address, keys = plain(self._address), self._keys
        if event == _REFUSED and keys is not None:
            refused = f"the key in {plain(str(keys.file))} is not on the list of this vehicle, or was revoked"
            return f"{address}: {refused}; ask for a new file (`{PROGRAM} keys new`)"
        if event == _MISMATCH and detail == zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH:
            if keys is None:
                return f"{address}: the daemon there takes only clients with a key; add --key FILE"
            return f"{address}: the daemon there uses no keys; leave out --key, or give its address in zmq.bind"
        if event != _BROKEN or self._breaks < BREAKS:
            return None
        if keys is None:
            return f"{address} ends each connection at once; if it takes only clients with a key, add --key FILE"
        other = f"the server key is not that of this vehicle (compare `{PROGRAM} keys server`)"
        return f"{address} ends each handshake: {other}, or its daemon lets nobody in now"

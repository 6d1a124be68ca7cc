"""Says which user is at the other end of a Unix socket."""

from __future__ import annotations

import socket
import struct

_UCRED = struct.Struct("3i")
"""`struct ucred` of unix(7): process, user, group."""


def peer_uid(connection: socket.socket) -> int:
    """Return the user id of the process that connected, or, at the end that connected, of the one that listens."""
    _, uid, _ = _UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    return int(uid)

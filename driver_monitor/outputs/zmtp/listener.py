"""Opens the socket that subscribers connect to: TCP on loopback, a local socket (a file), or an abstract name."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from pathlib import Path

from driver_monitor.config.addresses import MAX_IPC_PATH, MAX_PORT, tcp_port
from driver_monitor.errors import OutputError

BACKLOG = 128
"""Connections that may wait to be accepted. The publisher accepts them within milliseconds (ours)."""
SEND_BUFFER = 65_536
"""Bytes that the kernel keeps for a slow subscriber; Linux doubles them. About 40 alerts (ours)."""


class Listener:
    """A listening socket at `bind` (`tcp://host:port`, `ipc:///path` or `ipc://@name`). Raises `OutputError`.

    `endpoint`: the address, with the port that is really used. Only the daemon's user and group can connect to a file;
    every user can connect to the others.
    """

    def __init__(self, bind: str) -> None:
        _check(bind)
        self._path = Path(bind.removeprefix("ipc://")) if bind.startswith("ipc://") and bind[6:7] != "@" else None
        try:
            self.socket = _open_tcp(bind) if self._path is None and "@" not in bind[:7] else _open_local(bind)
        except OSError as error:
            raise OutputError(_cannot_bind(bind, error)) from None
        self.endpoint = bind
        if bind.startswith("tcp://"):
            host, port = self.socket.getsockname()[:2]
            self.endpoint = f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"

    def close(self) -> None:
        """Release the address, and remove the file."""
        self.socket.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def _open_tcp(bind: str) -> socket.socket:
    host, _, port = bind.removeprefix("tcp://").rpartition(":")
    host = "127.0.0.1" if host == "localhost" else host.strip("[]")
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        raise OSError(errno.EADDRNOTAVAIL, "") from None
    listener = socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET, socket.SOCK_STREAM)
    # Connections of a daemon that has just ended must not keep its port from the next one.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return _listening(listener, (host, 0 if port == "*" else int(port)))


def _open_local(bind: str) -> socket.socket:
    path = bind.removeprefix("ipc://")
    if not path.startswith("@"):
        Path(path).unlink(missing_ok=True)  # left by a daemon that was killed
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    return _listening(listener, f"\0{path[1:]}" if path.startswith("@") else path)


def _listening(listener: socket.socket, address: str | tuple[str, int]) -> socket.socket:
    try:
        listener.setblocking(False)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        listener.bind(address)
        if isinstance(address, str) and not address.startswith("\0"):
            Path(address).chmod(0o660)  # before `listen`: until then nobody can connect
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _check(bind: str) -> None:
    """Raise `OutputError` for a port or an `ipc://` path that cannot be used."""
    port = tcp_port(bind)
    if port is not None and port > MAX_PORT:
        raise OutputError(f"zmq.bind: {bind}: there is no port {port}; choose one from 1024 to {MAX_PORT}")
    if not bind.startswith("ipc://"):
        return
    path = bind.removeprefix("ipc://")
    if len(os.fsencode(path)) > MAX_IPC_PATH:
        raise OutputError(f"zmq.bind: {bind}: its path is too long; a socket's path has at most {MAX_IPC_PATH} bytes")
    if path == "*":
        raise OutputError(
            f"zmq.bind: {bind}: give the path of the socket, such as ipc:///run/driver-monitor/alerts.sock"
        )
    abstract, file = path.startswith("@"), Path(path)
    if not abstract and not file.parent.is_dir():
        raise OutputError(f"zmq.bind: {bind}: there is no folder {file.parent}; create it or choose another path")
    if not abstract and file.exists() and not file.is_socket():
        raise OutputError(f"zmq.bind: {bind}: the path exists and is not a socket; choose another path")
    if _listens(path):
        other = "name" if abstract else "path"
        raise OutputError(f"zmq.bind: {bind} is in use; stop the other daemon or choose another {other}")


def _listens(path: str) -> bool:
    """Return whether a program listens at the local socket `path` (`@name`: an abstract name)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        try:
            probe.connect(f"\0{path[1:]}" if path.startswith("@") else path)
        except OSError:
            return False
        return True


def _cannot_bind(bind: str, error: OSError) -> str:
    reasons = {
        errno.EADDRINUSE: "is in use; stop the other program (`ss -ltnp` shows which) or choose another port",
        errno.EADDRNOTAVAIL: "is not an address of this machine; choose tcp://127.0.0.1:5556",
        errno.ENODEV: "is not an address of this machine; choose tcp://127.0.0.1:5556",
        errno.EACCES: "is not permitted; choose a port above 1023, or a folder that this user may write",
    }
    other = f"cannot be bound: {os.strerror(error.errno or 0)}; correct zmq.bind in the configuration"
    return f"zmq.bind: {bind} {reasons.get(error.errno or 0, other)}"

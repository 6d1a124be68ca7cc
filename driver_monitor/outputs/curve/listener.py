"""The listening TCP socket that other computers connect to. It is ours, and libzmq accepts its connections."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import ipaddress
import logging
import os
import socket
import struct

from driver_monitor.config.addresses import AUTO, LAPTOP_BIND, publish_address, tcp_port
from driver_monitor.errors import OutputError

BACKLOG = 16
"""Connections that may wait to be accepted (ours). So many may still come in after `shut`."""
SEND_BUFFER = 65_536
"""Bytes that the kernel keeps for a slow client; Linux doubles them. As in `outputs.zmtp.listener`."""
_ATTACH_REUSEPORT_CBPF = 51
"""Of socket(7): a program chooses which of the sockets at one address a new connection goes to. It needs no privilege.
(SO_ATTACH_FILTER would be simpler. For TCP, Linux 6.18 permits it to root only.)"""
_IPV6_FREEBIND = 78
_IP_FREEBIND = 15

log = logging.getLogger(__name__)


class CurveListener:
    """A listening socket at `bind`, which is `tcp://` with the number of a host. Raises `OutputError`.

    An address that this machine does not have yet is no fault: a VPN begins after the daemon. `endpoint`: the address,
    with the port that is really used.

    A second socket listens at the same address, and nobody accepts its connections. It gets the new ones while `shut`
    holds: its queue is full at once, and the kernel drops their packets, so that they try again.
    """

    def __init__(self, bind: str) -> None:
        host, _, port = bind.removeprefix("tcp://").rpartition(":")
        self._host, self.is_ipv6 = host.strip("[]"), host.startswith("[")
        self._chosen = 0
        self._sockets: list[socket.socket] = []
        try:
            number = self._first_bind(0 if port == "*" else int(port))
            for backlog in (BACKLOG, 0):
                self._sockets.append(self._listening(number, backlog))
            self._choose(0)
        except OSError as error:
            self.close()
            raise OutputError(_cannot_bind(bind, error)) from None
        self.endpoint = f"tcp://{host}:{number}"

    def _first_bind(self, port: int) -> int:
        """Return the port. Raises `OSError` if another program has it: of this user it could share it with us."""
        with self._new_socket() as probe:
            try:
                probe.bind((self._host, port))
            except OSError as error:
                if error.errno != errno.EADDRNOTAVAIL:
                    raise
                log.warning("zmq.bind: this machine has no address %s yet; clients can connect when it has", self._host)
                self._bind_anyway(probe)
                probe.bind((self._host, port))
            return int(probe.getsockname()[1])

    def _listening(self, port: int, backlog: int) -> socket.socket:
        listener = self._new_socket()
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            self._bind_anyway(listener)
            listener.bind((self._host, port))
            listener.listen(backlog)
        except BaseException:
            listener.close()
            raise
        return listener

    def _new_socket(self) -> socket.socket:
        new = socket.socket(socket.AF_INET6 if self.is_ipv6 else socket.AF_INET, socket.SOCK_STREAM)
        new.setblocking(False)
        # Connections of a daemon that has just ended must not keep its port from the next one.
        new.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        new.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        if self.is_ipv6:
            # All interfaces means those of IPv4 too: nobody expects that [::] refuses an IPv4 address.
            only = not ipaddress.ip_address(self._host).is_unspecified
            new.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(only))
        return new

    def _bind_anyway(self, listener: socket.socket) -> None:
        """Let `listener` be bound to an address that this machine does not have yet."""
        level, option = (socket.IPPROTO_IPV6, _IPV6_FREEBIND) if self.is_ipv6 else (socket.IPPROTO_IP, _IP_FREEBIND)
        listener.setsockopt(level, option, 1)

    def descriptor(self) -> int:
        """Return a new descriptor of the socket. libzmq closes the one that it gets."""
        return os.dup(self._sockets[0].fileno())

    def shut(self, wanted: bool) -> None:
        """Accept no more connections while `wanted`. Connections that are open are not concerned.

        libzmq has no limit of its own, and closing its listener ends all connections.
        """
        if int(wanted) == self._chosen:
            return
        self._choose(int(wanted))
        if not wanted:
            with contextlib.suppress(BlockingIOError):
                while True:  # who waits there would wait for ever
                    self._sockets[1].accept()[0].close()

    def _choose(self, number: int) -> None:
        """Lead new connections to one of the two sockets."""
        self._chosen = number
        instruction = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, number))  # return number
        program = struct.pack("HP", 1, ctypes.addressof(instruction))
        self._sockets[0].setsockopt(socket.SOL_SOCKET, _ATTACH_REUSEPORT_CBPF, program)

    def close(self) -> None:
        """Release the address."""
        for listener in self._sockets:
            listener.close()


def _cannot_bind(bind: str, error: OSError) -> str:
    own = f"is that of {LAPTOP_BIND}, which programs on this machine use; choose another port, such as 5557"
    if error.errno == errno.EADDRINUSE and tcp_port(bind) == tcp_port(publish_address(AUTO)):
        return f"zmq.bind: {bind}: its port {own}"
    reasons = {
        errno.EADDRINUSE: "is in use; stop the other program (`ss -ltnp` shows which) or choose another port",
        errno.ENOPROTOOPT: "is not possible: this kernel cannot limit connections; use Linux 4.6 or newer",
        errno.EACCES: "is not permitted; choose a port above 1023",
    }
    other = f"cannot be bound: {os.strerror(error.errno or 0)}; correct zmq.bind in the configuration"
    return f"zmq.bind: {bind} {reasons.get(error.errno or 0, other)}"

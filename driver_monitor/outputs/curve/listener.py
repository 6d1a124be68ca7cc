"""The listening TCP socket that other computers connect to. It is ours, and libzmq accepts its connections."""

from __future__ import annotations

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
_ATTACH_FILTER, _DETACH_FILTER = 26, 27
"""SO_ATTACH_FILTER and SO_DETACH_FILTER of socket(7)."""
_DROP_ALL = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))
"""One instruction of the packet filter, `return 0`: every packet is dropped (linux/filter.h)."""
_IPV6_FREEBIND = 78
_IP_FREEBIND = 15

log = logging.getLogger(__name__)


class CurveListener:
    """A listening socket at `bind`, which is `tcp://` with the number of a host. Raises `OutputError`.

    An address that this machine does not have yet is no fault: a VPN begins after the daemon. `endpoint`: the address,
    with the port that is really used.
    """

    def __init__(self, bind: str) -> None:
        host, _, port = bind.removeprefix("tcp://").rpartition(":")
        self.is_ipv6 = host.startswith("[")
        self._socket = socket.socket(socket.AF_INET6 if self.is_ipv6 else socket.AF_INET, socket.SOCK_STREAM)
        self._is_shut = False
        try:
            self._bind(host.strip("[]"), 0 if port == "*" else int(port))
        except OSError as error:
            self._socket.close()
            raise OutputError(_cannot_bind(bind, error)) from None
        self.endpoint = f"tcp://{host}:{self._socket.getsockname()[1]}"

    def _bind(self, host: str, port: int) -> None:
        listener = self._socket
        listener.setblocking(False)
        # Connections of a daemon that has just ended must not keep its port from the next one.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)[0][4]
        if self.is_ipv6:
            # Not only IPv6 at all interfaces: nobody expects that [::] refuses an IPv4 address.
            listener.setsockopt(
                socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(not ipaddress.ip_address(host).is_unspecified)
            )
        try:
            listener.bind(address)
        except OSError as error:
            if error.errno != errno.EADDRNOTAVAIL:
                raise
            log.warning("zmq.bind: this machine has no address %s yet; clients can connect when it has", host)
            level, option = (socket.IPPROTO_IPV6, _IPV6_FREEBIND) if self.is_ipv6 else (socket.IPPROTO_IP, _IP_FREEBIND)
            listener.setsockopt(level, option, 1)
            listener.bind(address)
        listener.listen(BACKLOG)

    def descriptor(self) -> int:
        """Return a new descriptor of the socket. libzmq closes the one that it gets."""
        return os.dup(self._socket.fileno())

    def shut(self, wanted: bool) -> None:
        """Accept no more connections while `wanted`. The kernel drops the packets of new ones, so they try again.

        Connections that are open are not concerned. libzmq has no limit of its own, and closing its listener ends all.
        """
        if wanted == self._is_shut:
            return
        self._is_shut = wanted
        if wanted:
            program = struct.pack("HP", 1, ctypes.addressof(_DROP_ALL))
            self._socket.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, program)
        else:
            self._socket.setsockopt(socket.SOL_SOCKET, _DETACH_FILTER, 0)

    def close(self) -> None:
        """Release the address."""
        self._socket.close()


def _cannot_bind(bind: str, error: OSError) -> str:
    own = f"is that of {LAPTOP_BIND}, which programs on this machine use; choose another port, such as 5557"
    if error.errno == errno.EADDRINUSE and tcp_port(bind) == tcp_port(publish_address(AUTO)):
        return f"zmq.bind: {bind}: its port {own}"
    reasons = {
        errno.EADDRINUSE: "is in use; stop the other program (`ss -ltnp` shows which) or choose another port",
        errno.EACCES: "is not permitted; choose a port above 1023",
    }
    other = f"cannot be bound: {os.strerror(error.errno or 0)}; correct zmq.bind in the configuration"
    return f"zmq.bind: {bind} {reasons.get(error.errno or 0, other)}"

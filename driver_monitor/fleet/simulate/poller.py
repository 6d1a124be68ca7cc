"""Serves the connections of thousands of MQTT clients in one thread, with epoll."""

from __future__ import annotations

import select
import socket
import ssl
import struct
from typing import TYPE_CHECKING

from driver_monitor.errors import DriverMonitorError
from driver_monitor.mqtt.client import no_delay

if TYPE_CHECKING:  # an extra
    from paho.mqtt.client import Client


class Poller:
    """The sockets of all clients. A client joins with `adopt` before it connects, and leaves when its socket closes."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._clients: dict[int, Client] = {}

    def adopt(self, client: Client) -> None:
        """Serve `client` from its next connection on."""
        client.on_socket_open = lambda client, _, opened: self._open(client, opened)
        client.on_socket_close = lambda _client, _, closed: self._close(closed)
        client.on_socket_register_write = lambda _client, _, ready: self._want(ready, select.EPOLLIN | select.EPOLLOUT)
        client.on_socket_unregister_write = lambda _client, _, ready: self._want(ready, select.EPOLLIN)

    def serve(self, wait_s: float) -> None:
        """Read and write what can be read and written, after a wait of at most `wait_s` for the first of it.

        Raises `DriverMonitorError`: what answers is no broker.
        """
        for number, events in self._epoll.poll(max(0.0, wait_s)):
            client = self._clients.get(number)
            if client is None:  # closed by an event before this one
                continue
            try:
                if events & ~select.EPOLLOUT:
                    _read(client)
                if events & select.EPOLLOUT and self._clients.get(number) is client:
                    client.loop_write()
            except (struct.error, IndexError, KeyError, UnicodeDecodeError) as error:
                raise DriverMonitorError(f"{client.host}:{client.port} sends what is no MQTT 5 ({error})") from error

    @property
    def open(self) -> int:
        """How many connections are open."""
        return len(self._clients)

    def close(self) -> None:
        """Serve nobody any more. Clients that are still connected close their sockets when they are forgotten."""
        self._clients.clear()
        self._epoll.close()

    def _open(self, client: Client, opened: object) -> None:
        no_delay(opened)
        if isinstance(opened, socket.socket):
            self._clients[opened.fileno()] = client
            self._epoll.register(opened, select.EPOLLIN)

    def _close(self, closed: object) -> None:
        if isinstance(closed, socket.socket) and closed.fileno() in self._clients:
            del self._clients[closed.fileno()]
            self._epoll.unregister(closed)

    def _want(self, ready: object, events: int) -> None:
        if isinstance(ready, socket.socket) and ready.fileno() in self._clients:
            self._epoll.modify(ready, events)


def _read(client: Client) -> None:
    """Read what has come. TLS decrypts whole records: what is left of one never makes the socket readable."""
    client.loop_read()
    while isinstance(connection := client.socket(), ssl.SSLSocket) and connection.pending():
        client.loop_read()

"""Hold many idle connections to a daemon: they connect and send nothing. Closed ones connect again each second.

    python -m tools.attack.connections [--count 2000] [--address tcp://127.0.0.1:5556]

Prints memory and descriptors of the daemon, and what a healthy subscriber gets meanwhile. Exit code 1: it misses an
alert or a status, the daemon ends, or its memory is above the limit.
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import sys

from tools.attack.target import Target, attack

held: list[socket.socket] = []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000, help="number of connections (default: 2000)")
    return attack("connections", parser, step)


def step(arguments: argparse.Namespace, victim: Target) -> None:
    """Close our end of the connections that the daemon has closed, and connect until there are `count`."""
    for connection in list(held):
        if is_closed(connection):
            connection.close()
            held.remove(connection)
    closed = arguments.count - len(held)
    with contextlib.suppress(OSError):  # the daemon has ended, or its queue of new connections is full
        while len(held) < arguments.count:
            held.append(_connect(victim.address))
    print(f"{len(held)} connections are held; {closed} were opened anew", file=sys.stderr)


def _connect(address: str) -> socket.socket:
    if address.startswith("ipc://"):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(0.5)
        connection.connect(address.removeprefix("ipc://"))
    else:
        host, _, port = address.removeprefix("tcp://").rpartition(":")
        connection = socket.create_connection((host.strip("[]"), int(port)), timeout=0.5)
    connection.setblocking(False)
    return connection


def is_closed(connection: socket.socket) -> bool:
    """Return whether the other end has closed a connection that does not block. Bytes that came are thrown away."""
    try:
        while connection.recv(4096):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


if __name__ == "__main__":
    sys.exit(main())

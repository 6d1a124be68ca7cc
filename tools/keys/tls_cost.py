"""Measures what TLS with certificates costs: bytes and processor time of a connection and of an alert, against plain.

Prints one line for each. The broker is a real mosquitto with the configuration of `fleet enrol`, and one listener
without TLS. Bytes are those of TCP payloads, both ways, seen by a relay.
"""

from __future__ import annotations

import argparse
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

from driver_monitor.fleet.enrol.depot import make_depot, open_depot
from driver_monitor.mqtt import topics
from driver_monitor.mqtt.login import Login
from tests.fleet.enrol.brokers import DepotBroker, Visitor, files
from tests.processes import free_port

ALERT = b"x" * 800
"""An alert has some 800 bytes."""
WINDOW = 20
"""Alerts on their way at a time, as many as the daemon's."""
VEHICLE = "van-1"


@dataclass(frozen=True)
class Way:
    """A way to the broker. `tls`: encrypted. `port`: of its listener."""

    name: str
    login: Login
    port: int
    tls: bool

    def visit(self, port: int | None = None) -> Visitor:
        """Connect, through another port if one is given."""
        visitor = Visitor(
            self.login, port or self.port, VEHICLE, host="localhost" if self.tls else "127.0.0.1", tls=self.tls
        )
        if visitor.refused is not None:
            raise SystemExit(f"{self.name}: {visitor.refused}")
        return visitor


class Relay:
    """Passes one connection on to `port`, and counts the bytes of both directions."""

    def __init__(self, port: int) -> None:
        self.bytes = 0
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        inner, _ = self._listener.accept()
        outer = socket.create_connection(("127.0.0.1", self._port))
        for source, sink in ((inner, outer), (outer, inner)):
            threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):  # one side has closed
            while data := source.recv(65536):
                self.bytes += len(data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


def processor_s(process: int) -> float:
    """Return the processor time of a process so far, in seconds."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def send(visitor: Visitor, count: int) -> None:
    """Publish `count` alerts with QoS 1, and wait until the broker has acknowledged all."""
    topic, sent = topics.alert(VEHICLE, "microsleep"), 0
    while len(visitor.answers) < count:
        while sent < count and sent - len(visitor.answers) < WINDOW:
            visitor.client.publish(topic, ALERT, qos=1)
            sent += 1
        visitor.until(partial(_more_than, visitor.answers, len(visitor.answers)))
    if any(reason == ["Not authorized"] for reason in visitor.answers.values()):
        raise SystemExit("the broker refuses alerts")


def _more_than(answers: Sized, known: int) -> bool:
    return len(answers) > known


def connect(way: Way, count: int) -> None:
    """Connect and leave, `count` times."""
    for _ in range(count):
        way.visit().close()


def cost(work: Callable[[], object], count: int, broker: int) -> tuple[float, float]:
    """Return the processor time of the broker and of this process for one of `count`, in microseconds."""
    before, own = processor_s(broker), time.process_time()
    work()
    return (processor_s(broker) - before) / count * 1e6, (time.process_time() - own) / count * 1e6


def measure(way: Way, broker: int, connections: int, alerts: int) -> Iterator[str]:
    """Yield a line for a connection, and one for an alert."""
    relay = Relay(way.port)
    visitor = way.visit(relay.port)
    connected = relay.bytes
    send(visitor, 100)
    sent = (relay.bytes - connected) / 100
    visitor.close()
    theirs, ours = cost(lambda: connect(way, connections), connections, broker)
    yield f"{way.name}: a connection: {connected} bytes, broker {theirs:.0f} us, client {ours:.0f} us"
    visitor = way.visit()
    theirs, ours = cost(lambda: send(visitor, alerts), alerts, broker)
    yield f"{way.name}: an alert: {sent:.0f} bytes, broker {theirs:.0f} us, client {ours:.0f} us"


@contextmanager
def site(folder: Path) -> Iterator[tuple[DepotBroker, list[Way]]]:
    """Yield a broker with the three ways to it."""
    now = datetime.now(timezone.utc).replace(microsecond=0)
    make_depot(folder / "depot", now, None)
    with open_depot(folder / "depot", str, now) as depot:
        depot.enrol([VEHICLE], ["localhost"], 10)
    van, plain, server = folder / "depot/vehicles" / VEHICLE, free_port(), free_port()
    source = folder / "depot/broker"
    (source / "mosquitto.conf").write_text(
        (source / "mosquitto.conf").read_text().replace("allow_anonymous false", "allow_anonymous true")
    )
    more = (
        f"listener {plain} 127.0.0.1\n"
        f"listener {server} 127.0.0.1\ncertfile {source}/certificate.pem\nkeyfile {source}/key.pem\n"
    )
    # Without a certificate there is no name to check: everybody may write, so that only TLS differs.
    (source / "access.acl").write_text((source / "access.acl").read_text() + "\npattern write dm/1/van-1/#\n")
    broker = DepotBroker(folder / "mosquitto", source, more, log="error")
    try:
        yield (
            broker,
            [
                Way("plain", Login(), plain, tls=False),
                Way("TLS, broker's certificate", Login(ca=van / "ca.pem"), server, tls=True),
                Way("TLS, both certificates", files(van), broker.port, tls=True),
            ],
        )
    finally:
        broker.process.kill()
        broker.process.communicate()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=500, help="connections to make, one after another")
    parser.add_argument("--alerts", type=int, default=20_000, help="alerts to send")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, site(Path(folder)) as (broker, ways):
        for way in ways:
            for line in measure(way, broker.process.pid, options.connections, options.alerts):
                print(line, flush=True)


if __name__ == "__main__":
    main()

"""A real mosquitto with the configuration that `fleet enrol` makes, included as on Debian; and clients of it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage

from driver_monitor.fleet.enrol import broker_files
from driver_monitor.mqtt import client as mqtt
from driver_monitor.mqtt.broker import TLS_PORT, Broker
from driver_monitor.mqtt.login import Login
from tests.fleet.services import MOSQUITTO, await_port
from tests.processes import PATIENCE_S, free_port

DEBIAN = """pid_file {folder}/pid
persistence true
persistence_location {folder}/
log_dest file {folder}/log
include_dir {folder}/conf.d
"""
"""What /etc/mosquitto/mosquitto.conf of Debian 12 sets."""


class DepotBroker:
    """A broker with the files of `source` (the folder `broker` of a depot), on ports of its own.

    `more`: lines at the end of its configuration. `log`: what it logs.
    """

    def __init__(self, folder: Path, source: Path, more: str = "", log: str = "all") -> None:
        self.folder, self.source = folder, source
        self.port, self.operator_port = free_port(), free_port()
        (folder / "conf.d").mkdir(parents=True)
        user = "user root\n" if os.geteuid() == 0 else ""
        (folder / "mosquitto.conf").write_text(user + f"log_type {log}\n" + DEBIAN.format(folder=folder))
        text = (source / "mosquitto.conf").read_text()
        for there, here in (
            (broker_files.INSTALLED, f"{folder}/installed"),
            (f"listener {TLS_PORT}\n", f"listener {self.port}\n"),
            (f"listener {broker_files.OPERATOR_PORT} ", f"listener {self.operator_port} "),
        ):
            assert there in text
            text = text.replace(there, here)
        (folder / "conf.d" / "driver-monitor.conf").write_text(text + more)
        (folder / "installed").mkdir()
        self.install()
        self.start()

    def install(self) -> None:
        """Copy the files, as the instructions say."""
        for name in ("access.acl", "ca.pem", "certificate.pem", "crl.pem", "key.pem"):
            (self.folder / "installed" / name).write_bytes((self.source / name).read_bytes())

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, stderr=subprocess.PIPE)
        for port in (self.port, self.operator_port):
            await_port(port, self.process)

    @property
    def command(self) -> list[str]:
        """The command that starts the broker."""
        assert MOSQUITTO is not None
        return [MOSQUITTO, "-c", str(self.folder / "mosquitto.conf")]

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=PATIENCE_S)

    def restart(self) -> None:
        """Do what `systemctl restart mosquitto` does."""
        self.stop()
        self.start()

    def reload(self) -> None:
        """Do what `systemctl reload mosquitto` does, and wait until it is done."""
        before = self.log().count("Reloading config")
        self.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + PATIENCE_S
        while self.log().count("Reloading config") == before:
            assert time.monotonic() < end
            time.sleep(0.01)

    def log(self) -> str:
        return (self.folder / "log").read_text()


def files(folder: Path, **changed: Any) -> Login:
    """Return the login of a client with the files of `folder`; `changed`: other values for some fields."""
    own = {"ca": folder / "ca.pem", "certificate": folder / "certificate.pem", "key": folder / "key.pem"}
    return Login(**(own | changed))


class Visitor:
    """A client. `refused`: why the broker or TLS refused it; None: it is connected."""

    def __init__(
        self,
        login: Login,
        port: int,
        name: str = "",
        host: str = "localhost",
        settings: dict[str, Any] | None = None,
        tls: bool = True,
    ) -> None:
        self.broker = Broker(host, port, tls)
        self.settings = mqtt.ClientSettings(name, **(settings or {}))
        self.client = mqtt.build_client(self.broker, login, self.settings)
        self.heard: list[tuple[str, bytes]] = []
        self.answers: dict[int, list[str]] = {}
        self.refused: str | None = "no answer"
        self.client.on_connect = self._connected
        self.client.on_message = self._message
        self.client.on_publish = self._answer
        self.client.on_subscribe = self._answer
        try:
            mqtt.connect(self.client, self.broker, self.settings)
            self.until(lambda: self.refused != "no answer")
        except OSError as error:
            self.refused = str(error)
        if self.refused == "no answer":
            self.refused = "the connection was closed"

    def _connected(self, _client: Client, _data: object, _flags: object, reason: Any, _properties: object) -> None:
        self.refused = str(reason) if reason.is_failure else None

    def _message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self.heard.append((message.topic, bytes(message.payload)))

    def _answer(self, _client: Client, _data: object, number: int, reasons: Any, _properties: object) -> None:
        listed = reasons if isinstance(reasons, list) else [reasons]
        self.answers[number] = [str(reason) for reason in listed]

    def until(self, done: Callable[[], bool]) -> bool:
        """Serve the connection until `done`. False: the connection ended first."""
        end = time.monotonic() + PATIENCE_S
        while not done():
            assert time.monotonic() < end, "nothing came"
            if not mqtt.serve(self.client, 0.05):
                return done()
        return True

    def publish(self, topic: str, payload: bytes = b"{}", *, retain: bool = False) -> str:
        """Publish with QoS 1 and return the broker's reason; "closed": the connection ended instead."""
        number = self.client.publish(topic, payload, qos=1, retain=retain).mid
        if not self.until(lambda: number in self.answers):
            return "closed"
        # A reason of its own, and a success too (MQTT 5, 3.4.2.1): nobody listens.
        return self.answers[number][0].replace("No matching subscribers", "Success")

    def subscribe(self, topic: str) -> str:
        _, number = self.client.subscribe(topic, qos=1)
        assert number is not None
        return self.answers[number][0] if self.until(lambda: number in self.answers) else "closed"

    def hears(self, topic: str, payload: bytes) -> None:
        """Wait for a message."""
        assert self.until(lambda: (topic, payload) in self.heard)

    def break_off(self) -> None:
        """End the connection without a farewell."""
        connection = self.client.socket()
        assert connection is not None
        connection.close()

    def alive(self) -> bool:
        """Return whether the broker still answers."""
        return self.subscribe("anything") != "closed"

    def close(self) -> None:
        self.client.disconnect()
        mqtt.serve(self.client, 0.0)

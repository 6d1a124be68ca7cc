"""Asks what runs: systemd about the service, and a running daemon for its status."""

from __future__ import annotations

import ipaddress
import json
import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from driver_monitor.doctor.gather.machine import Machine
from driver_monitor.doctor.verdicts.running import DaemonFacts, ServiceFacts
from driver_monitor.errors import OutputError

if TYPE_CHECKING:
    from driver_monitor.config.schema import ZmqConfig

UNIT = "driver-monitor.service"
ASKED = "LoadState,ActiveState,SubState,UnitFileState,Result,NRestarts"
GROUP = "driver-monitor"
CONNECT_S = 0.5
"""Longest wait for a connection on this machine (ours)."""


def gather_service(machine: Machine) -> ServiceFacts:
    """Return what `systemctl show` says of the service."""
    shown = machine.printed("systemctl", "show", UNIT, f"--property={ASKED}")
    told = dict(line.partition("=")[::2] for line in shown.text.splitlines() if "=" in line) if shown else {}
    if shown is None or shown.code or "LoadState" not in told:
        # In a container without systemd and in a chroot it says so, with or without an exit code.
        said = "it does not answer" if shown is None else shown.text.strip().partition("\n")[0][:200]
        return ServiceFacts(f"systemd cannot be asked: {said}")
    restarts = told.get("NRestarts", "")
    return ServiceFacts(
        None,
        told.get("LoadState", ""),
        told.get("ActiveState", ""),
        told.get("SubState", ""),
        told.get("UnitFileState", ""),
        told.get("Result", ""),
        int(restarts) if restarts.isdecimal() else 0,
    )


def gather_daemon(machine: Machine, config: ZmqConfig, *, service: bool = False) -> DaemonFacts:
    """Return the status of the daemon at the local address of `config`. With `auto`, at the service's or ours.

    `service`: the configuration is that of the service.
    """
    from driver_monitor.config.addresses import AUTO, LAPTOP_BIND, SERVICE_BIND, publish_address

    if not config.enabled:
        return DaemonFacts(config.bind, enabled=False)
    bind = config.local_bind
    own = SERVICE_BIND if service and bind == AUTO else publish_address(bind, machine.environment)
    addresses = list(dict.fromkeys((SERVICE_BIND, LAPTOP_BIND) if bind == AUTO else (own,)))
    listening = []
    for address in addresses:
        state = _listens(address)
        if state == "closed":
            words = f"only root and the group {GROUP} may ask the service at {address}; use sudo"
            return DaemonFacts(address, closed=words)
        listening += [address] if state else []
    if listening and (answer := ask(listening, machine.status_limit_s)) is not None:
        return DaemonFacts(answer[0], answer[1])
    if listening:
        return DaemonFacts(listening[0], listens=True)
    return DaemonFacts(own, bind_fault=_bind_fault(own))


def ask(addresses: Sequence[str], limit_s: float) -> tuple[str, Mapping[str, Any]] | None:
    """Return the first status that a daemon at one of `addresses` sends, with its address; None: none in `limit_s`."""
    import zmq

    with zmq.Context() as context:
        poller, sockets = zmq.Poller(), {}
        try:
            for address in addresses:
                subscriber = context.socket(zmq.SUB)
                subscriber.setsockopt(zmq.LINGER, 0)
                subscriber.setsockopt(zmq.IPV6, int("[" in address))
                subscriber.setsockopt(zmq.MAXMSGSIZE, 1 << 20)
                subscriber.subscribe("status/")
                sockets[subscriber] = address
                subscriber.connect(address)
                poller.register(subscriber, zmq.POLLIN)
            for subscriber, _ in poller.poll(int(limit_s * 1000)):
                status = _status(subscriber.recv_multipart())
                if status is not None:
                    return sockets[subscriber], status
        except zmq.ZMQError:
            return None
        finally:
            for subscriber in sockets:
                subscriber.close()
    return None


def _status(frames: Sequence[bytes]) -> Mapping[str, Any] | None:
    try:
        _, text = frames
        status = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return status if isinstance(status, dict) and "camera" in status else None


def _listens(address: str) -> bool | str:
    """Return whether a program listens at `address`; "closed": one may, but this user may not connect."""
    path = address.removeprefix("ipc://")
    if path != address:
        return _listens_local(path)
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    if not port.isdecimal():
        return False
    host = "127.0.0.1" if host == "localhost" else host.strip("[]")
    try:
        with socket.create_connection((str(ipaddress.ip_address(host)), int(port)), CONNECT_S):
            return True
    except (OSError, ValueError):
        return False


def _listens_local(path: str) -> bool | str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(CONNECT_S)
        try:
            probe.connect(f"\0{path[1:]}" if path.startswith("@") else path)
        except PermissionError:
            return "closed"
        except OSError:
            return "closed" if not os.access(Path(path).parent, os.X_OK) and Path(path).parent.exists() else False
        return True


def _bind_fault(address: str) -> str | None:
    from driver_monitor.config.addresses import SERVICE_BIND
    from driver_monitor.outputs.zmtp.listener import Listener

    if address == SERVICE_BIND:
        return None  # systemd makes its folder when the service starts
    try:
        Listener(address).close()
    except OutputError as error:
        return str(error)
    return None

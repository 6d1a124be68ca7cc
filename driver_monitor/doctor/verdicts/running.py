"""Judges what runs: the service, and the daemon that publishes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from driver_monitor.doctor.verdicts.finding import Finding, not_checked, ok, trouble
from driver_monitor.doctor.verdicts.program import split

LARGEST = 1e12
"""A number of a status that is not smaller is none (ours): JSON has no limit, and NaN."""


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """What `systemctl show` says of the service. `reason`: why it could not be asked, then the others mean nothing."""

    reason: str | None = None
    load: str = "loaded"
    active: str = ""
    sub: str = ""
    enabled: str = ""
    result: str = ""
    restarts: int = 0

    @property
    def runs(self) -> bool:
        """Whether systemd says that the service runs."""
        return self.reason is None and self.active in ("active", "reloading")


def judge_service(facts: ServiceFacts) -> Iterator[Finding]:
    """Yield each fault of the service, or one "ok" or "not checked"."""
    if facts.reason is not None:
        yield not_checked("service", facts.reason)
    elif facts.load == "not-found":
        yield not_checked("service", "the service is not installed (docs/install.md); `run` in a terminal needs none")
    elif facts.load != "loaded":
        yield trouble("service.unit", load=facts.load)
    else:
        found = list(_state(facts))
        if facts.enabled in ("disabled", "masked", "linked", "indirect"):
            found.append(trouble("service.disabled", enabled=facts.enabled))
        yield from found or [ok("service", f"{facts.active}, {facts.enabled}, not started again", restarts=0)]


def _state(facts: ServiceFacts) -> Iterator[Finding]:
    values = {"restarts": facts.restarts}
    if facts.active == "failed":
        yield trouble("service.failed", values, result=facts.result or "no reason given")
    elif facts.sub == "auto-restart":
        yield trouble("service.restarting", values, restarts=facts.restarts, result=facts.result)
    elif facts.active not in ("active", "reloading", "activating"):
        yield trouble("service.stopped", values)
    elif facts.restarts:
        yield trouble("service.restarted", values, restarts=facts.restarts)


@dataclass(frozen=True, slots=True)
class DaemonFacts:
    """Whether a daemon publishes. `address`: where its status came from, or where it would publish.

    `status`: the last payload of `status/`; None: no daemon answered. `listens`: something listens there. `closed`: why
    this user may not ask there. `enabled`: `zmq.enabled`. `bind_fault`: why nothing could be bound there.
    """

    address: str
    status: Mapping[str, Any] | None = None
    listens: bool = False
    closed: str | None = None
    enabled: bool = True
    bind_fault: str | None = None


def judge_daemon(facts: DaemonFacts, service: ServiceFacts) -> Iterator[Finding]:
    """Yield whether a daemon answers, and if not, whether one could publish."""
    if facts.status is not None:
        uptime = number(facts.status.get("uptime_s"))
        yield ok("daemon", f"a daemon answers at {facts.address}, running for {uptime or 0:.0f} s", uptime_s=uptime)
        if part(facts.status, "outputs").get("curve_closed") == 1:
            yield trouble("daemon.keys")
    elif facts.closed is not None:
        yield not_checked("daemon", facts.closed)
    elif not facts.enabled:
        yield not_checked("daemon", "zmq.enabled is false: a daemon publishes nothing and cannot be asked")
    elif service.runs and not facts.listens:
        yield trouble("daemon.silent", address=facts.address)
    elif facts.listens:
        yield trouble("daemon.taken", address=facts.address)
    elif facts.bind_fault is not None:
        fault, advice = split(facts.bind_fault, "set zmq.bind to another address")
        yield trouble("daemon.cannot_bind", fault=fault, advice=advice)
    else:
        yield ok("daemon", f"none runs; one could publish at {facts.address}")


def number(value: object) -> float | None:
    """Return a number of a status; None: it is none. What comes over ZeroMQ is not trusted."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LARGEST:
        return None
    return float(value)


def part(message: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return an object of a status; empty if it is none."""
    value = message.get(key)
    return value if isinstance(value, Mapping) else {}

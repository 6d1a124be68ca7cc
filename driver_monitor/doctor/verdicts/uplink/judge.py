"""Judges the connection to the operator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from driver_monitor.doctor.verdicts.finding import Finding, not_checked, ok, trouble
from driver_monitor.doctor.verdicts.program import split
from driver_monitor.doctor.verdicts.running import number, part

SOON_S = 30 * 24 * 3600
"""Time before the end of a certificate in which it should be renewed (ours), as at the depot."""
OPEN_TO_ALL = 0o004
BROKER_FAULTS = {
    "reach": "uplink.unreachable",
    "certificate": "uplink.broker_certificate",
    "tls": "uplink.broker_certificate",
    "silent": "uplink.unreachable",
    "lost": "uplink.unreachable",
}
"""Faults by the kind that the daemon gives them. The others: the broker refuses this vehicle."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file of the login. `key`: where it stands. `readable`: the daemon's user may read it. `mode`: permission bits.

    `owner`, `group`, `mode`: empty and 0 if this user may not look at it. `secret`: others must not read it.
    """

    key: str
    path: str
    there: bool
    readable: bool
    owner: str = ""
    group: str = ""
    mode: int = 0
    secret: bool = False


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """The certificate of this vehicle. `name`: its common name. `since`, `until`: seconds since 1970."""

    name: str
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class BrokerFacts:
    """A broker that was tried. `kind`, `fault`: why it does not let this vehicle in, with what to do; None: it does."""

    address: str
    kind: str | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class UplinkFacts:
    """`package`: paho-mqtt can be imported. `daemon_user`: who must read the files. `closed`: this user may not.

    `fault`: why the login cannot be used. `user`: of a login with a password. `now`: seconds since 1970. `tried`: the
    brokers; empty: none was. `folder`, `free`: of the spool; None: not known.
    """

    vehicle: str
    brokers: tuple[str, ...] = ()
    package: bool = True
    daemon_user: str = ""
    files: tuple[FileFacts, ...] = ()
    closed: bool = False
    fault: str | None = None
    certificate: CertificateFacts | None = None
    tried: tuple[BrokerFacts, ...] = ()
    now: float = 0.0
    user: str | None = None
    spool_bytes: int = 0
    folder: str = ""
    free: int | None = None


def judge_uplink(facts: UplinkFacts, status: Mapping[str, Any] | None = None) -> Iterator[Finding]:
    """Yield each fault of the connection, or one "ok" or "not checked". `status`: of a running daemon."""
    if not facts.brokers:
        yield not_checked("uplink", "no operator gets the alerts (uplink.brokers is empty)")
        return
    found = [*_files(facts), *_certificate(facts), *_brokers(facts), *_spool(facts), *_running(status)]
    if found:
        yield from found
    elif facts.closed:
        yield not_checked("uplink", "this user may not read the files of the login; use sudo")
    else:
        yield _good(facts, status)


def is_connected(status: Mapping[str, Any] | None) -> bool:
    """Return whether a running daemon says that it is connected to the operator."""
    return number(part(status or {}, "outputs").get("uplink_connected")) == 1.0


def _files(facts: UplinkFacts) -> Iterator[Finding]:
    if not facts.package:
        yield trouble("uplink.no_package")
    for file in facts.files:
        words = {"key": file.key, "path": file.path, "user": facts.daemon_user}
        of = f"of {file.owner}:{file.group} with mode {file.mode:o}" if file.owner else "in a closed folder"
        mode = {"of": of, "mode": f"{file.mode:o}"}
        if not file.there:
            yield trouble("uplink.no_file", **words)
        elif not file.readable:
            yield trouble("uplink.unreadable", **words, **mode)
        elif file.secret and file.mode & OPEN_TO_ALL:
            yield trouble("uplink.key_open", **words, **mode)
    if facts.fault is not None:
        fault, advice = split(facts.fault, "copy the three files of this vehicle again")
        yield trouble("uplink.wrong_files", fault=fault, advice=advice)


def _certificate(facts: UplinkFacts) -> Iterator[Finding]:
    cert = facts.certificate
    name, kind = (facts.user, "uplink.user") if cert is None else (cert.name, "the certificate")
    if name is not None and name != facts.vehicle:
        yield trouble("uplink.other_name", kind=kind, name=name, vehicle=facts.vehicle)
    if cert is None:
        return
    values = {"certificate_until": _day(cert.until), "certificate_since": _day(cert.since)}
    if facts.now < cert.since:
        yield trouble("uplink.clock", values, since=_day(cert.since), now=_day(facts.now))
    elif facts.now >= cert.until:
        yield trouble("uplink.ended", values, until=_day(cert.until), vehicle=facts.vehicle)
    elif facts.now >= cert.until - SOON_S:
        yield trouble("uplink.ends_soon", values, until=_day(cert.until), vehicle=facts.vehicle)


def _brokers(facts: UplinkFacts) -> Iterator[Finding]:
    cert = facts.certificate
    if cert is not None and not cert.since <= facts.now < cert.until:
        return  # the reason why every broker refuses it is told already
    for broker in facts.tried:
        if broker.kind is not None and broker.fault is not None:
            fault, advice = split(broker.fault, "ask the operator")
            yield trouble(BROKER_FAULTS.get(broker.kind, "uplink.refused"), fault=fault, advice=advice)


def _spool(facts: UplinkFacts) -> Iterator[Finding]:
    if facts.free is not None and facts.free < facts.spool_bytes:
        free, most = f"{facts.free / 1e6:.0f} MB", f"{facts.spool_bytes / 1e6:.0f}"
        yield trouble("uplink.no_room", {"free_bytes": facts.free}, folder=facts.folder, free=free, most=most)


def _running(status: Mapping[str, Any] | None) -> Iterator[Finding]:
    counted = part(status or {}, "outputs")
    waiting, resent, dropped, refused = (
        round(number(counted.get(f"uplink_{name}")) or 0) for name in ("waiting", "resent", "dropped", "refused")
    )
    values = {"waiting": waiting, "resent": resent, "dropped": dropped, "refused": refused}
    if "uplink_connected" in counted and not is_connected(status):
        yield trouble("uplink.not_connected", values, waiting=waiting)
    elif waiting and resent:
        yield trouble("uplink.waiting", values, waiting=waiting, resent=resent)
    if refused:
        yield trouble("uplink.messages_refused", values, refused=refused)
    if dropped:
        yield trouble("uplink.dropped", values, dropped=dropped)


def _good(facts: UplinkFacts, status: Mapping[str, Any] | None) -> Finding:
    cert = facts.certificate
    until = "" if cert is None else f"; certificate until {_day(cert.until)}"
    if is_connected(status):
        waiting = round(number(part(status or {}, "outputs").get("uplink_waiting")) or 0)
        return ok("uplink", f"the running daemon is connected to the operator, {waiting} alerts wait{until}")
    return ok("uplink", f"{', '.join(one.address for one in facts.tried)} lets {facts.vehicle} in{until}")


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(min(max(seconds, 0.0), 4e9), timezone.utc).strftime("%Y-%m-%d")

"""The register of a depot: every certificate that its CA has signed. `register.json` in the depot holds it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from driver_monitor.errors import ConfigError
from driver_monitor.fleet.enrol.names import BROKER, OPERATOR

State = Literal["valid", "ends soon", "ended", "revoked", "replaced"]
SOON = timedelta(days=30)
"""Time before the end of a certificate in which it should be renewed (ours): a car may stand for weeks."""


@dataclass(frozen=True, slots=True)
class CertificateEntry:
    """A certificate. `name`: its common name. `serial`: hexadecimal. `since`, `until`: UTC. `revoked`: when, or None.

    `replaced`: a newer certificate of this name exists.
    """

    name: str
    serial: str
    since: datetime
    until: datetime
    revoked: datetime | None = None
    replaced: bool = False

    @property
    def is_vehicle(self) -> bool:
        """Whether it is a vehicle's certificate."""
        return self.name not in (OPERATOR, BROKER)

    def state(self, now: datetime) -> State:
        """Return what a person should know. A replaced certificate is valid too, until it ends or is revoked."""
        if self.revoked is not None:
            return "revoked"
        if now >= self.until:
            return "ended"
        if self.replaced:
            return "replaced"
        return "ends soon" if now >= self.until - SOON else "valid"


@dataclass(frozen=True, slots=True)
class Register:
    """All certificates in the order in which they were signed. `hosts`: names and addresses of the broker."""

    schema: Literal[1] = 1
    hosts: tuple[str, ...] = ()
    certificates: tuple[CertificateEntry, ...] = field(default=())

    def newest(self) -> dict[str, CertificateEntry]:
        """Return the newest certificate of each name, in the order in which the names were enrolled."""
        return {entry.name: entry for entry in self.certificates}

    def revoked(self) -> Iterator[tuple[str, datetime]]:
        """Yield serial and time of each revoked certificate."""
        return ((entry.serial, entry.revoked) for entry in self.certificates if entry.revoked is not None)

    def with_new(self, entries: list[CertificateEntry], *, revoke_old: datetime | None = None) -> Register:
        """Return the register with new certificates. `revoke_old`: when the others of their names are revoked."""
        names = {entry.name for entry in entries}
        changed = (
            replace(entry, replaced=True, revoked=entry.revoked or revoke_old) if entry.name in names else entry
            for entry in self.certificates
        )
        return replace(self, certificates=(*changed, *entries))

    def with_revoked(self, names: frozenset[str], now: datetime) -> Register:
        """Return the register in which every certificate of `names` is revoked."""
        changed = (
            replace(entry, revoked=entry.revoked or now) if entry.name in names else entry
            for entry in self.certificates
        )
        return replace(self, certificates=tuple(changed))


_REGISTER = TypeAdapter(Register)


def to_json(register: Register) -> bytes:
    """Return the register as the bytes of its file."""
    return _REGISTER.dump_json(register, indent=1)


def from_json(data: bytes) -> Register:
    """Return the register in the bytes of its file. Raises `ConfigError`."""
    try:
        register = _REGISTER.validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(
            f"the register cannot be read: {'.'.join(map(str, first['loc']))} {first['msg']}; copy register.json back "
            "from a backup"
        ) from None
    if any(entry.until.tzinfo is None for entry in register.certificates):
        raise ConfigError("the register has times without a time zone; copy register.json back from a backup")
    return register


def utc(seconds: float) -> datetime:
    """Return a time of the clock in whole seconds: certificates have no parts of seconds."""
    return datetime.fromtimestamp(int(seconds), timezone.utc)

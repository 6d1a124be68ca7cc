"""A depot: a folder with a CA, the register of its certificates, and a folder to copy for each vehicle.

A certificate is in the register before it leaves the depot: new folders lie in `.staged` until the register that names
them is on disk, then they are moved to their place. The next command finishes or removes what a power cut has left.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from driver_monitor.disk.regular_file import read_regular
from driver_monitor.disk.replace_file import DRAFT
from driver_monitor.disk.synchronise import synchronise
from driver_monitor.errors import ConfigError, OutputError, UsageError
from driver_monitor.fleet.enrol import authority, broker_files, client_files, private_files
from driver_monitor.fleet.enrol.authority import Authority, Issued
from driver_monitor.fleet.enrol.names import BROKER, OPERATOR, check_host, check_vehicle, without_repeats
from driver_monitor.fleet.enrol.register import CertificateEntry, Register, from_json, to_json

REGISTER = "register.json"
CA, CA_KEY = "ca.pem", "ca.key"
REVOKED = "crl.pem"
STAGED = ".staged"
VEHICLES = "vehicles"
ALWAYS_HOSTS = ("localhost", "127.0.0.1", "::1")
"""Names in each broker's certificate: the operator's programs reach it from its own computer."""
MOST_BYTES = 1 << 28
"""Of the register that are read (ours): a million certificates."""
FIRST_YEAR = 2025
"""An earlier year means that the clock of this computer was never set (ours)."""
Passphrase = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a command did. `made`: new certificates. `unchanged`: those that were there already."""

    made: tuple[CertificateEntry, ...] = ()
    unchanged: tuple[CertificateEntry, ...] = ()


class Depot:
    """An open depot, which no other command changes meanwhile. All times are UTC."""

    def __init__(self, folder: Path, register: Register, ask: Passphrase, now: datetime) -> None:
        """`ask`: returns the passphrase of the CA's key; called if the key has one. `now`: of the whole command."""
        self.folder, self.register, self._ask, self._now = folder, register, ask, now
        self._loaded: Authority | None = None
        self._finish()

    def enrol(self, vehicles: Sequence[str], hosts: Sequence[str], days: int) -> Enrolment:
        """Make certificates for `vehicles`, and for broker and operator if they have none. `hosts`: of the broker.

        A vehicle that has a certificate is left alone. New hosts make a new certificate for the broker.
        """
        names = without_repeats(vehicles)
        for name in names:
            check_vehicle(name)
        for host in hosts:
            check_host(host)
        known = self.register.newest()
        all_hosts = tuple(without_repeats((*self.register.hosts, *hosts)))
        if not all_hosts:
            raise UsageError("how do vehicles reach the broker? name its host with --broker-host")
        wanted = [name for name in (BROKER, OPERATOR, *names) if name not in known]
        if all_hosts != self.register.hosts and BROKER in known:
            wanted.insert(0, BROKER)
        unchanged = tuple(known[name] for name in names if name in known)
        if not wanted:
            self._sign_list()
            return Enrolment((), unchanged)
        self.register = replace(self.register, hosts=all_hosts)
        return Enrolment(self._make(wanted, days), unchanged)

    def renew(self, names: Sequence[str], days: int, *, revoke_old: bool = False) -> Enrolment:
        """Make new keys and certificates for `names`. The old ones stay valid until they end, unless `revoke_old`."""
        chosen = self._enrolled(names)
        return Enrolment(self._make(chosen, days, revoke_old=self._now if revoke_old else None))

    def revoke(self, names: Sequence[str]) -> None:
        """Revoke every certificate of `names`, sign the list anew, and remove the keys that still lie here."""
        chosen = self._enrolled(names)
        if BROKER in chosen:
            raise UsageError(
                "vehicles do not read the list of revoked certificates, so that the broker's certificate cannot be "
                "revoked; if its key is lost, make a new depot"
            )
        self._save(self.register.with_revoked(frozenset(chosen), self._now))
        self._sign_list()
        for name in chosen:
            shutil.rmtree(self._place(name), ignore_errors=True)

    def ending(self, until: datetime) -> list[str]:
        """Return the names whose newest certificate ends by then and is not revoked."""
        return [
            entry.name for entry in self.register.newest().values() if entry.revoked is None and entry.until <= until
        ]

    def _enrolled(self, names: Sequence[str]) -> list[str]:
        known = self.register.newest()
        chosen = without_repeats(names)
        if missing := [name for name in chosen if name not in known]:
            more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
            shown = ", ".join(f"'{name:.80}'" for name in missing[:5])
            raise UsageError(f"{shown}{more}: not enrolled in {self.folder}; `driver-monitor fleet enrolled` lists all")
        return chosen

    def _make(
        self, names: Sequence[str], days: int, *, revoke_old: datetime | None = None
    ) -> tuple[CertificateEntry, ...]:
        """Sign certificates for `names`, and put their folders into place."""
        ca = self._authority()
        staged = self.folder / STAGED
        private_files.make_folder(staged)
        entries = []
        for name in names:
            hosts = without_repeats((*self.register.hosts, *ALWAYS_HOSTS)) if name == BROKER else ()
            issued = ca.issue(name, "server" if name == BROKER else "client", self._now, days, hosts)
            entries.append(CertificateEntry(name, issued.serial, issued.since, issued.until))
            private_files.write_folder(staged / f"{name}@{issued.serial}", self._files(name, issued, ca))
        os.sync()
        self._save(self.register.with_new(entries, revoke_old=revoke_old))
        self._finish()
        self._sign_list()
        return tuple(entries)

    def _files(self, name: str, issued: Issued, ca: Authority) -> dict[str, bytes]:
        files = {"ca.pem": ca.certificate_pem(), "certificate.pem": issued.certificate, "key.pem": issued.key}
        if name == BROKER:
            texts = {
                "mosquitto.conf": broker_files.configuration(),
                "access.acl": broker_files.access_list(),
                "INSTALL.txt": broker_files.instructions(),
            }
            files[REVOKED] = self._list() or ca.revoked_list(self.register.revoked(), self._now, None)
        elif name == OPERATOR:
            texts = {"INSTALL.txt": client_files.operator_instructions(self.register.hosts)}
        else:
            texts = {
                "uplink.yaml": client_files.uplink_lines(name, self.register.hosts),
                "INSTALL.txt": client_files.vehicle_instructions(name),
            }
        return files | {key: text.encode() for key, text in texts.items()}

    def _finish(self) -> None:
        """Move the folders of registered certificates from `.staged` to their place, and remove the others."""
        staged = self.folder / STAGED
        if not staged.is_dir():
            return
        private_files.make_folder(self.folder / VEHICLES)
        registered = {f"{entry.name}@{entry.serial}": entry.name for entry in self.register.newest().values()}
        for source in tuple(staged.iterdir()):
            if source.name not in registered:
                shutil.rmtree(source)
        for source in tuple(staged.iterdir()):
            place, old = self._place(registered[source.name]), staged / "old"
            if place.exists():
                place.rename(old)
            source.rename(place)
            shutil.rmtree(old, ignore_errors=True)
        for folder in (self.folder / VEHICLES, self.folder):
            synchronise(folder)
        staged.rmdir()

    def _place(self, name: str) -> Path:
        return self.folder / name if name in (BROKER, OPERATOR) else self.folder / VEHICLES / name

    def _save(self, register: Register) -> None:
        private_files.replace_private(self.folder / REGISTER, to_json(register))
        self.register = register

    def _list(self) -> bytes | None:
        """Return the list of revoked certificates; None: there is none."""
        try:
            return read_regular(self.folder / BROKER / REVOKED, MOST_BYTES)
        except FileNotFoundError:
            return None

    def list_is_current(self) -> bool:
        """Return whether the list of revoked certificates names those of the register."""
        before = self._list()
        wanted = {serial for serial, _ in self.register.revoked()}
        return before is not None and authority.revoked_serials(before) == wanted

    def _sign_list(self) -> None:
        """Sign the list of revoked certificates if it is not that of the register."""
        if self.list_is_current():
            return
        private_files.make_folder(self.folder / BROKER)
        signed = self._authority().revoked_list(self.register.revoked(), self._now, self._list())
        private_files.replace_private(self.folder / BROKER / REVOKED, signed)

    def _authority(self) -> Authority:
        if self._loaded is None:
            certificate = read_regular(self.folder / CA, MOST_BYTES)
            key = read_regular(self.folder / CA_KEY, MOST_BYTES)
            passphrase = self._ask() if authority.is_encrypted(key) else None
            self._loaded = authority.load_authority(certificate, key, passphrase)
        return self._loaded

    def ca_until(self) -> datetime:
        """Return when the CA ends, and with it the list of revoked certificates."""
        return authority.end_of(read_regular(self.folder / CA, MOST_BYTES))


@contextmanager
def open_depot(folder: Path, ask: Passphrase, now: datetime) -> Iterator[Depot]:
    """Open the depot in `folder`. Raises `UsageError`, `ConfigError` or `OutputError`."""
    check_clock(now)
    if not is_depot(folder):
        raise UsageError(f"{folder} is no depot; `driver-monitor fleet enrol --depot {folder}` makes one")
    with _told(folder), private_files.locked(folder):
        private_files.make_folder(folder)
        yield Depot(folder, from_json(read_regular(folder / REGISTER, MOST_BYTES)), ask, now)


def make_depot(folder: Path, now: datetime, passphrase: str | None) -> None:
    """Make a CA in the new or empty folder `folder`. `passphrase`: encrypts its key."""
    check_clock(now)
    with _told(folder):
        if folder.exists() and not all(map(_is_left_over, folder.iterdir())):
            raise UsageError(f"{folder} holds other files; name a new folder for the depot")
        private_files.make_folder(folder)
        with private_files.locked(folder):
            ca = authority.make_authority(now)
            private_files.replace_private(folder / CA_KEY, ca.key_pem(passphrase))
            private_files.replace_private(folder / CA, ca.certificate_pem())
            private_files.replace_private(folder / REGISTER, to_json(Register()))


def _is_left_over(path: Path) -> bool:
    """Return whether a first command left this file when a power cut ended it: nothing was signed yet."""
    return path.name in (CA, CA_KEY) or path.name.startswith(DRAFT)


def is_depot(folder: Path) -> bool:
    """Return whether a depot lies in `folder`."""
    return (folder / REGISTER).is_file()


def check_clock(now: datetime) -> None:
    """Raise `UsageError` if the clock of this computer was never set: certificates would end long ago."""
    if now.year < FIRST_YEAR:
        raise UsageError(f"the clock of this computer says {now:%Y-%m-%d}; set it first, then repeat the command")


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Turn what a disk refuses into one line, and say in which depot a file is damaged."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{error.filename or folder}: {error.strerror}; see to this folder, then repeat") from None
    except ConfigError as error:
        raise ConfigError(f"{folder}: {error}") from None

"""The verbs `fleet enrol`, `renew`, `revoke` and `enrolled`: keys and certificates of a depot."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from driver_monitor import PROGRAM
from driver_monitor.cli.options import JsonOption, OptionalInteger, OptionalPath, number, print_json
from driver_monitor.errors import UsageError

if TYPE_CHECKING:
    from driver_monitor.fleet.enrol.depot import Depot, Enrolment
    from driver_monitor.fleet.enrol.register import CertificateEntry

DAYS = 730
"""Validity of a certificate (ours): two inspections of a vehicle, one of which may be missed."""
SHOWN = 5
"""Names that a message lists (ours); it counts the others."""
DepotOption = Annotated[Path, typer.Option("--depot", metavar="DIR", help="Folder of the depot's keys.")]
DaysOption = Annotated[int, number(int, 1, 3650, "Days for which a new certificate is valid.")]
PassphraseOption = Annotated[
    OptionalPath, typer.Option("--passphrase-file", metavar="FILE", help="File with the passphrase of the CA's key.")
]
# typer evaluates annotations, and on Python 3.10 it needs Optional.
NamesArgument = Annotated[Optional[list[str]], typer.Argument(metavar="[VEHICLE]...")]  # noqa: UP045
HostsOption = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option("--broker-host", metavar="NAME", help="Host of the broker, as vehicles reach it; may be repeated."),
]


def enrol(
    depot: DepotOption,
    vehicles: NamesArgument = None,
    broker_host: HostsOption = None,
    names_from: Annotated[
        OptionalPath, typer.Option("--from", metavar="FILE", help="File with names of vehicles, one a line.")
    ] = None,
    days: DaysOption = DAYS,
    passphrase: Annotated[
        bool, typer.Option("--passphrase", help="Ask for a passphrase for the CA's key (first use).")
    ] = False,
    passphrase_file: PassphraseOption = None,
) -> None:
    """Make a CA and a broker's files at first use, and a folder with key and certificate for each vehicle."""
    _need_cryptography()
    from driver_monitor.fleet.enrol.depot import is_depot, make_depot
    from driver_monitor.fleet.enrol.names import check_host, check_vehicle, read_names

    names = [*(vehicles or []), *(read_names(names_from) if names_from is not None else [])]
    hosts = broker_host or []
    for name in names:
        check_vehicle(name)
    for host in hosts:
        check_host(host)
    if not is_depot(depot):
        if not hosts:
            raise UsageError("how do vehicles reach the broker? name its host with --broker-host")
        make_depot(depot, _now(), _first_passphrase(passphrase_file, ask=passphrase))
        print(f"made the CA of {depot}: keep ca.key secret, and a copy of the folder in a safe place")
    with _open(depot, passphrase_file) as opened:
        outcome = opened.enrol(names, hosts, days)
    _print_made(depot, outcome)
    if outcome.unchanged:
        print(f"already enrolled, unchanged: {_listed(outcome.unchanged)}")
    if not outcome.made and not outcome.unchanged:
        print("nothing to do: no vehicle is named")


def renew(
    depot: DepotOption,
    vehicles: NamesArgument = None,
    every: Annotated[bool, typer.Option("--all", help="All that are not revoked, broker and operator too.")] = False,
    expiring: Annotated[
        OptionalInteger, number(int, 0, 3650, "All whose certificate ends within so many days.")
    ] = None,
    revoke_old: Annotated[
        bool, typer.Option("--revoke-old", help="Revoke the old certificates: they may have been stolen.")
    ] = False,
    days: DaysOption = DAYS,
    passphrase_file: PassphraseOption = None,
) -> None:
    """Make a new key and certificate. The old one stays valid until it ends."""
    _need_cryptography()
    names = vehicles or []
    if (len(names) > 0) + every + (expiring is not None) != 1:
        raise UsageError(f"{PROGRAM} fleet renew: name vehicles, broker or operator; or use --all or --expiring DAYS")
    with _open(depot, passphrase_file) as opened:
        if every or expiring is not None:
            limit = datetime.max.replace(tzinfo=_now().tzinfo) if every else _now() + timedelta(days=expiring or 0)
            names = opened.ending(limit)
        if not names:
            print(f"nothing to do: no certificate ends within {expiring} days")
            return
        outcome = opened.renew(names, days, revoke_old=revoke_old)
    _print_made(depot, outcome)
    if revoke_old:
        _print_list(depot)


def revoke(depot: DepotOption, vehicles: NamesArgument = None, passphrase_file: PassphraseOption = None) -> None:
    """Revoke all certificates of vehicles. The broker refuses them when it has the new list."""
    _need_cryptography()
    if not vehicles:
        raise UsageError(f"{PROGRAM} fleet revoke: name the vehicles")
    with _open(depot, passphrase_file) as opened:
        opened.revoke(vehicles)
    print(f"revoked: {', '.join(vehicles[:SHOWN])}{_more(vehicles)}")
    _print_list(depot)


def enrolled(depot: DepotOption, as_json: JsonOption = False) -> None:
    """List the certificates of a depot, and warn of those that end soon."""
    _need_cryptography()
    from driver_monitor.fleet.enrol import listing

    with _open(depot, None) as opened:
        listed = listing.of_depot(opened, _now())
    if as_json:
        print_json(listing.to_json(listed))
        return
    print("\n".join(listing.table(listed)))
    for warning in listing.warnings(listed, depot):
        print(warning, file=sys.stderr)


def _print_made(depot: Path, outcome: Enrolment) -> None:
    made = [entry for entry in outcome.made if entry.is_vehicle]
    if made:
        print(
            f"made keys and certificates until {min(entry.until for entry in made):%Y-%m-%d} for {_listed(made)}; copy "
            f"each folder of {depot}/vehicles to its vehicle (INSTALL.txt in it says how)"
        )
    for entry in outcome.made:
        if not entry.is_vehicle:
            print(f"made {depot}/{entry.name} until {entry.until:%Y-%m-%d}; INSTALL.txt in it says where it goes")


def _print_list(depot: Path) -> None:
    print(
        f"copy {depot}/broker/crl.pem to the broker's computer, into /etc/mosquitto/driver-monitor/, then there: "
        "sudo systemctl restart mosquitto (a reload refuses new connections only)"
    )


def _listed(entries: Sequence[CertificateEntry]) -> str:
    names = [entry.name for entry in entries]
    return f"{', '.join(names[:SHOWN])}{_more(names)}"


def _more(names: Sequence[str]) -> str:
    return f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""


def _open(depot: Path, passphrase_file: Path | None) -> AbstractContextManager[Depot]:
    from driver_monitor.fleet.enrol.depot import open_depot

    def ask() -> str:
        if passphrase_file is not None:
            return _from_file(passphrase_file)
        if not sys.stdin.isatty():
            raise UsageError(f"{depot}/ca.key has a passphrase; use --passphrase-file FILE")
        return str(typer.prompt(f"passphrase of {depot}/ca.key", hide_input=True))

    return open_depot(depot, ask, _now())


def _first_passphrase(file: Path | None, *, ask: bool) -> str | None:
    if file is not None:
        return _from_file(file)
    if not ask:
        return None
    return str(typer.prompt("passphrase for the CA's key", hide_input=True, confirmation_prompt=True))


def _from_file(file: Path) -> str:
    from driver_monitor.mqtt.login import Login

    passphrase = Login(password_file=file).password()
    if not passphrase:
        raise UsageError(f"{file}: the passphrase is empty; write it into the first line")
    return passphrase


def _now() -> datetime:
    from driver_monitor.fleet.enrol.register import utc

    return utc(time.time())


def _need_cryptography() -> None:
    """Raise `UsageError` if the package for certificates is missing."""
    if find_spec("cryptography") is None:
        raise UsageError(
            f"{PROGRAM} fleet: keys and certificates need cryptography; install it with: "
            "pip install 'driver-monitor[operator]'"
        )

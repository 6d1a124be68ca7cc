"""Who simulated vehicles are to a broker: all the same one, or each with its own certificate from `fleet enrol`."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

from driver_monitor.errors import UsageError
from driver_monitor.mqtt.broker import Broker
from driver_monitor.mqtt.login import Login

LoginOf = Callable[[str], tuple[Login, ssl.SSLContext | None]]
"""Takes the name of a vehicle, returns its login, and its TLS context; None: the broker has no TLS."""


def same_login(broker: Broker, login: Login) -> LoginOf:
    """Return the logins of vehicles that are all the same one to the broker. Raises `ConfigError`."""
    context = login.tls_context() if broker.tls else None
    return lambda _: (login, context)


def depot_logins(depot: Path) -> LoginOf:
    """Return the logins of vehicles that have a certificate each, in `depot/vehicles/<name>` (docs/fleet-keys.md)."""

    def login_of(vehicle: str) -> tuple[Login, ssl.SSLContext | None]:
        folder = depot / "vehicles" / vehicle
        login = Login(folder / "ca.pem", folder / "certificate.pem", folder / "key.pem")
        return login, login.tls_context()

    return login_of


def check_depot(depot: Path, vehicles: list[str]) -> None:
    """Raise `UsageError` if one of `vehicles` has no certificate."""
    missing = [name for name in vehicles if not (depot / "vehicles" / name / "certificate.pem").is_file()]
    if missing:
        raise UsageError(
            f"--depot {depot}: {len(missing)} vehicles have no certificate there, such as {missing[0]};"
            f" make them with `driver-monitor fleet enrol --depot {depot}`"
        )

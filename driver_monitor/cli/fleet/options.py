"""Options that several verbs of the operator have: the broker, who we are to it, and the store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from driver_monitor.cli.options import OptionalPath, OptionalText
from driver_monitor.errors import UsageError
from driver_monitor.mqtt.broker import Broker, parse_broker
from driver_monitor.mqtt.login import Login

DEFAULT_BROKER = "mqtt://127.0.0.1"
DEFAULT_STORE = "fleet.db"

BrokerOption = Annotated[
    str, typer.Option("--broker", help="MQTT broker: mqtts://HOST, or mqtt://127.0.0.1 on this machine.")
]
CaOption = Annotated[
    OptionalPath, typer.Option(help="Certificates (PEM) that may sign the broker's (default: the system's).")
]
CertificateOption = Annotated[OptionalPath, typer.Option(help="Certificate (PEM) of this program for the broker.")]
KeyOption = Annotated[OptionalPath, typer.Option(help="Key (PEM) of this certificate.")]
UserOption = Annotated[OptionalText, typer.Option(help="User of the broker, where it asks for a password.")]
PasswordFileOption = Annotated[OptionalPath, typer.Option(help="File with this user's password, in one line.")]
StoreOption = Annotated[str, typer.Option(help="The store: an SQLite file, or postgresql://USER@HOST/DATABASE.")]


def broker(address: str) -> Broker:
    """Return the broker that `--broker` names. Raises `UsageError`."""
    try:
        return parse_broker(address)
    except ValueError as error:
        raise UsageError(f"--broker: {error}") from None


def login(
    ca: Path | None, certificate: Path | None, key: Path | None, user: str | None, password_file: Path | None
) -> Login:
    """Return who this program is to the broker. Raises `UsageError`: half a pair is missing."""
    if (certificate is None) != (key is None):
        raise UsageError("--certificate and --key belong together; give both or none")
    if password_file is not None and user is None:
        raise UsageError("--password-file needs --user")
    return Login(ca, certificate, key, user, password_file)

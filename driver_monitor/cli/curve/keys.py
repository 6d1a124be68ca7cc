"""The verbs `keys ...`: who may connect to the encrypted ZeroMQ address of this vehicle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from driver_monitor import PROGRAM
from driver_monitor.cli.options import TABLE_COLUMNS, JsonOption, OptionalPath, OptionalText, print_json

keys_app = typer.Typer(help="Keys of ZeroMQ clients on other computers: new, list, revoke.", no_args_is_help=True)

FolderOption = Annotated[
    OptionalPath,
    typer.Option(help="Folder of zmq.keys (default: /etc/driver-monitor/keys for root, else ~/.config/...)."),
]
NameArgument = Annotated[str, typer.Argument(help="Name of the client, such as depot-screen.")]


@keys_app.command()
def new(
    name: NameArgument,
    out: Annotated[OptionalPath, typer.Option(help="The client's new file (default: NAME.key_secret here).")] = None,
    public_key: Annotated[
        OptionalText, typer.Option(help="Public key, or its file, of a client that made its own pair.")
    ] = None,
    folder: FolderOption = None,
) -> None:
    """Put a client on the list, and make the file that it needs."""
    from driver_monitor.cli.curve import key_files
    from driver_monitor.errors import UsageError

    if public_key is None:
        print(key_files.new_client(_folder(folder), name, out))
    elif out is not None:
        raise UsageError("--out: with --public-key the client has its file already; remove one of the two")
    else:
        print(key_files.known_client(_folder(folder), name, public_key))


@keys_app.command("list")
def list_clients(as_json: JsonOption = False, folder: FolderOption = None) -> None:
    """List who may connect, with the public keys."""
    path = _folder(folder)
    from driver_monitor.keys.key_folder import KeyFolder

    keys = KeyFolder(path)
    server, clients = keys.server(), keys.clients()
    if as_json:
        print_json({"server": server.public, "clients": [client._asdict() for client in clients]})
        return
    if clients:
        table = Table("name", Column("public key", no_wrap=True), Column("since", no_wrap=True))
        for client in clients:
            table.add_row(*client)
        # A key may look like a word of rich's markup, or like an emoji.
        width = None if Console().is_terminal else TABLE_COLUMNS
        Console(width=width, markup=False, emoji=False, highlight=False).print(table)
    else:
        print(f"no client may connect yet; let one in with `{PROGRAM} keys new NAME`")
    print(f"server key of this vehicle: {server.public}")


@keys_app.command()
def revoke(name: NameArgument, folder: FolderOption = None) -> None:
    """Take a client off the list. A running daemon ends its connection within two seconds."""
    path = _folder(folder)
    from driver_monitor.keys.key_folder import KeyFolder

    KeyFolder(path).revoke(name)
    print(f"{name} is off the list; a running daemon ends its connection within two seconds")


@keys_app.command()
def server(folder: FolderOption = None) -> None:
    """Print the public key of this vehicle, which its clients need. Makes the pair if there is none."""
    path = _folder(folder)
    from driver_monitor.keys.key_folder import KeyFolder

    print(KeyFolder(path).make().public)


def _folder(folder: Path | None) -> Path:
    from driver_monitor.keys.key_folder import default_folder

    return folder if folder is not None else default_folder()

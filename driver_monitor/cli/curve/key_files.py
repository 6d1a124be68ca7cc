"""What `keys new` does, and what it tells the installer to do next."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from driver_monitor import PROGRAM
from driver_monitor.errors import KeysError
from driver_monitor.keys import private_files
from driver_monitor.keys.certificate import is_key, parse, text_of
from driver_monitor.keys.key_folder import KeyFolder, check_name, new_pair

SECRET_SUFFIX = ".key_secret"
EXAMPLE_ADDRESS = "tcp://VEHICLE:5556"


def new_client(folder: Path, name: str, out: Path | None) -> str:
    """Make a pair, put the client on the list, write its file to `out`, and say what to do. Raises `KeysError`.

    `out` None: `NAME.key_secret` in the present folder.
    """
    file = Path(f"{check_name(name)}{SECRET_SUFFIX}") if out is None else out
    keys = KeyFolder(folder)
    pair = new_pair(keys.make().public)
    try:
        private_files.write_new(file, text_of(pair), (os.geteuid(), os.getegid()))
    except FileExistsError:
        raise KeysError(f"{file}: it exists already; name another file with --out") from None
    except OSError as error:
        raise KeysError(f"{file}: cannot be written: {error.strerror}; name another file with --out") from None
    try:
        keys.add(name, pair.public)
    except BaseException:
        file.unlink()
        raise
    shown = shlex.quote(str(file))
    return (
        f"{name} is on the list of {folder}\n"
        f"carry {shown} to the client (scp, a stick), then remove it here: it holds the client's secret key\n"
        f"on the client: {PROGRAM} watch --connect {EXAMPLE_ADDRESS} --key {shlex.quote(file.name)}"
        f"{_setting(folder)}"
    )


def known_client(folder: Path, name: str, public_key: str) -> str:
    """Put a client on the list that made its own pair, and say what to do. `public_key`: the key, or a file with it.

    Raises `KeysError`.
    """
    keys = KeyFolder(folder)
    server = keys.make().public
    keys.add(name, read_key(public_key))
    return (
        f"{name} is on the list of {folder}\n"
        f"on the client: {PROGRAM} watch --connect {EXAMPLE_ADDRESS} --key FILE --server-key '{server}'"
        f"{_setting(folder)}"
    )


def read_key(text: str) -> str:
    """Return the public key that `text` is, or that the file `text` holds. Raises `KeysError`."""
    if is_key(text):
        return text
    try:
        return parse(Path(text).read_bytes()[: private_files.MAX_BYTES]).public
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise KeysError(
            f"{text!r:.80} is neither a public key of 40 characters nor a file with one: {reason}"
        ) from None


def checked(folder: Path) -> str:
    """Return in one line who may connect with the keys in `folder`, or why nobody may."""
    try:
        clients = KeyFolder(folder).clients()
    except KeysError as error:
        return str(error)
    return f"only clients with keys: {', '.join(client.name for client in clients) or 'none yet'}"


def _setting(folder: Path) -> str:
    return f"\nin the vehicle's configuration: zmq: {{bind: 'tcp://0.0.0.0:5556', keys: {str(folder.absolute())!r}}}"

"""The folder of keys: `server.key_secret`, this vehicle's pair, and `clients/NAME.key`, one public key for each client.

A client is on the list exactly if its file is there. The secret key of a client is never in this folder.
"""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

import zmq

from driver_monitor import PROGRAM
from driver_monitor.errors import KeysError
from driver_monitor.keys import private_files
from driver_monitor.keys.certificate import Certificate, is_key, parse, text_of

SYSTEM_FOLDER = Path("/etc/driver-monitor/keys")
"""The folder of the installed service."""
SERVER_FILE = "server.key_secret"
CLIENTS_FOLDER = "clients"
SUFFIX = ".key"
MAX_CLIENTS = 256
"""Most clients on the list (ours): four times as many as may be connected at once."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class Client(NamedTuple):
    """One client on the list. `since`: ISO 8601, UTC."""

    name: str
    public: str
    since: str


class KeyList(NamedTuple):
    """What a publisher needs. `faults`: one line of text for each file of a client that cannot be used."""

    server: Certificate
    clients: tuple[Client, ...]
    faults: tuple[str, ...]


def default_folder() -> Path:
    """Return the folder of the installed service for root, and one of their own for another user."""
    if os.geteuid() == 0:
        return SYSTEM_FOLDER
    base = os.environ.get("XDG_CONFIG_HOME")
    try:
        return (Path(base) if base else Path.home() / ".config") / PROGRAM / "keys"
    except RuntimeError:
        raise KeysError("this user has no home folder; name the folder of the keys with --folder") from None


def check_name(name: str) -> str:
    """Return `name` if it can name a client, and so a file. Raises `KeysError`."""
    if not _NAME.fullmatch(name):
        raise KeysError(f"{name!r:.80} cannot name a client; use up to 64 letters, digits and _ . - without spaces")
    return name


def new_pair(server: str | None = None) -> Certificate:
    """Return a new pair of keys. `server`: as in `Certificate`."""
    public, secret = zmq.curve_keypair()
    return Certificate(public.decode(), secret.decode(), server, _now())


class KeyFolder:
    """The folder `path`, which may be missing. All methods raise `KeysError` if a file or folder is open to others.

    Files belong to the owner of the folder. A folder that root makes belongs to the user of the service, if there is
    one: the daemon must read what root writes, and nobody else may.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._clients = path / CLIENTS_FOLDER
        service = _service_user()
        self._owners = {0, os.geteuid(), *([service[0]] if service is not None else [])}
        self._new_owner = service if service is not None and os.geteuid() == 0 else (os.geteuid(), os.getegid())

    def make(self) -> Certificate:
        """Make what is missing of the folder and of this vehicle's pair. Returns the pair."""
        with _named(self.path):
            private_files.make_folder(self.path, self._new_owner)
            owner = self._owner()
            private_files.make_folder(self._clients, owner)
            with suppress(FileExistsError):
                private_files.write_new(self.path / SERVER_FILE, text_of(new_pair()), owner)
        return self.server()

    def server(self) -> Certificate:
        """Return this vehicle's pair."""
        private_files.check_folder(self.path, self._owners)
        path = self.path / SERVER_FILE
        try:
            certificate = self._read(path)
        except FileNotFoundError:
            raise KeysError(f"{path}: there is no such file; make it with `{PROGRAM} keys server`") from None
        if certificate.secret is None:
            raise KeysError(f"{path}: it holds no secret-key; remove it, and run `{PROGRAM} keys server`")
        return certificate

    def add(self, name: str, public: str) -> None:
        """Put a client on the list. Raises `KeysError` if the name or the key is there already."""
        check_name(name)
        if not is_key(public):
            raise KeysError(f"{public!r:.80} is not a public key; give its 40 characters in single quotes, or a file")
        clients = self.clients()
        known = next((client.name for client in clients if client.public == public), None)
        if known is not None:
            raise KeysError(f"this key is on the list already, as {known}; revoke that one first")
        if public == self.server().public:
            raise KeysError("this is the key of this vehicle; a client needs a key of its own")
        if len(clients) >= MAX_CLIENTS:
            raise KeysError(f"{self.path}: the list has {MAX_CLIENTS} clients, the most there may be; revoke one first")
        path = self._file(name)
        with _named(path):
            try:
                private_files.write_new(path, text_of(Certificate(public, created=_now())), self._owner())
            except FileExistsError:
                raise KeysError(f"there is a client {name} already; revoke it first, or use another name") from None

    def revoke(self, name: str) -> None:
        """Take a client off the list. A running daemon ends its connection."""
        path = self._file(check_name(name))
        private_files.check_folder(self.path, self._owners)
        with _named(path):
            try:
                private_files.remove(path)
            except FileNotFoundError:
                raise KeysError(f"there is no client {name}; see `{PROGRAM} keys list`") from None

    def clients(self) -> tuple[Client, ...]:
        """Return the clients on the list, by name. Raises `KeysError` also if the file of one cannot be used."""
        read = self.read()
        if read.faults:
            raise KeysError(read.faults[0])
        return read.clients

    def read(self) -> KeyList:
        """Return all that a publisher needs. The file of a client that cannot be used is a fault: the others count."""
        server, clients, faults = self.server(), [], []
        private_files.check_folder(self._clients, self._owners)
        for path in self._files():
            try:
                data, found = private_files.read(path, self._owners)
                certificate = parse(data)
            except FileNotFoundError:
                continue  # revoked just now
            except (KeysError, ValueError) as error:
                faults.append(str(error) if isinstance(error, KeysError) else f"{path}: {error}; remove it")
                continue
            since = certificate.created or _time(found.st_mtime)
            clients.append(Client(path.name.removesuffix(SUFFIX), certificate.public, since))
        return KeyList(server, tuple(clients), tuple(faults))

    def marks(self) -> tuple[object, ...]:
        """Return what differs after any change of the folder. It is cheap. Raises `OSError`."""
        paths = (self.path, self.path / SERVER_FILE, self._clients, *self._files())
        return tuple((str(path), _mark(path)) for path in paths)

    def _files(self) -> Iterator[Path]:
        """Yield the files of clients, by name. A draft, which begins with a dot, is none."""
        try:
            names = sorted(path.name for path in self._clients.iterdir())
        except FileNotFoundError:
            return
        except OSError as error:
            raise private_files.unreadable(self._clients, error) from None
        named = [name for name in names if name.endswith(SUFFIX) and _NAME.fullmatch(name.removesuffix(SUFFIX))]
        yield from (self._clients / name for name in named[:MAX_CLIENTS])

    def _file(self, name: str) -> Path:
        return self._clients / f"{name}{SUFFIX}"

    def _read(self, path: Path) -> Certificate:
        data, _ = private_files.read(path, self._owners)
        try:
            return parse(data)
        except ValueError as error:
            raise KeysError(f"{path}: {error}; remove it") from None

    def _owner(self) -> tuple[int, int]:
        found = private_files.check_folder(self.path, self._owners)
        return found.st_uid, found.st_gid


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Turn an `OSError` in the block into a `KeysError` that names `path`."""
    try:
        yield
    except OSError as error:
        advice = "run it with sudo" if isinstance(error, PermissionError) and os.geteuid() else "check the disk"
        raise KeysError(f"{error.filename or path}: {error.strerror or error}; {advice}") from None


def _mark(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size, found.st_mode, found.st_uid


def _service_user() -> tuple[int, int] | None:
    """Return user and group of the installed service; None: it is not installed."""
    try:
        user = pwd.getpwnam(PROGRAM)
    except KeyError:
        return None
    return user.pw_uid, user.pw_gid


def _now() -> str:
    return _time(datetime.now(timezone.utc).timestamp())


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

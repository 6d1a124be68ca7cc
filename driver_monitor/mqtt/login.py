"""How a client proves to a broker who it is: a certificate, or a user and a password."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from driver_monitor.disk.regular_file import read_regular
from driver_monitor.errors import ConfigError
from driver_monitor.mqtt.topics import GROUP

if TYPE_CHECKING:  # most commands and most cars need no TLS, and it takes 50 ms to import
    import ssl

MOST_PASSWORD = 1024
"""Bytes of a password file that are read (ours)."""
MOST_KEY = 65_536
"""Bytes of a key file that are read (ours). An RSA key of 16,384 bits has 13,000."""


@dataclass(frozen=True, slots=True)
class Login:
    """Files and names of a client. All None: no TLS client certificate, and no user.

    `ca`: certificates that may sign the broker's one; None: those of the system. `certificate`, `key`: of this client,
    PEM. `user`, `password_file`: instead of a certificate, or beside it.
    """

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    user: str | None = None
    password_file: Path | None = None

    def tls_context(self) -> ssl.SSLContext:
        """Return a TLS context that checks the broker's certificate and its name. Raises `ConfigError`."""
        import ssl

        try:
            context = ssl.create_default_context(cafile=None if self.ca is None else str(self.ca))
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"{self.ca}: these certificates cannot be read: {_reason(error)}") from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate is not None:
            try:
                context.load_cert_chain(self.certificate, self.key)
            except (OSError, ssl.SSLError) as error:
                raise ConfigError(
                    f"{self.certificate}: this certificate and {self.key} cannot be used: {_reason(error)}"
                ) from None
        return context

    def share_group(self) -> str:
        """Return the group of the shared subscription of all collectors with this login.

        It follows from the key or the password, so that all collectors of an operator know it, and no vehicle does.
        Raises `ConfigError`.
        """
        if self.key is not None:
            try:
                secret = read_regular(self.key, MOST_KEY)
            except OSError as error:
                raise ConfigError(f"{self.key}: this key cannot be read: {_reason(error)}") from None
        elif (password := self.password()) is not None:
            secret = password.encode()
        else:
            return GROUP
        return f"{GROUP}-{hashlib.sha256(b'group' + secret).hexdigest()[:32]}"

    def files(self) -> tuple[tuple[int, int, int] | None, ...]:
        """Return what tells that a file of the TLS context was exchanged: inode, size, time; None: it is not there."""
        return tuple(_stamp(path) for path in (self.ca, self.certificate, self.key) if path is not None)

    def password(self) -> str | None:
        """Return the password in `password_file`, without the end of its line; None without a file.

        Raises `ConfigError`.
        """
        if self.password_file is None:
            return None
        try:
            text = read_regular(self.password_file, MOST_PASSWORD).decode()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{self.password_file}: the password cannot be read: {_reason(error)}") from None
        return text.rstrip("\r\n")


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)

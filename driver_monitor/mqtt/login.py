"""How a client proves to a broker who it is: a certificate, or a user and a password."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from driver_monitor.disk.regular_file import read_regular
from driver_monitor.errors import ConfigError

MOST_PASSWORD = 1024
"""Bytes of a password file that are read (ours)."""


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

"""Where the scheduler of a cluster is, and with which keys it is reached."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from driver_monitor.errors import UsageError

CA, CERTIFICATE, KEY = "ca.pem", "cert.pem", "key.pem"
"""Files in the folder of --cluster-keys."""
MISSING = "--cluster needs the extra `cluster`; pip install 'driver-monitor[cluster]'"


@dataclass(frozen=True, slots=True)
class ClusterAddress:
    """`url`: tcp://127.0.0.1:PORT or tls://HOST:PORT. `keys`: folder with the keys of TLS, None with tcp."""

    url: str
    keys: Path | None = None

    def security(self) -> Any:
        """Return dask's settings of TLS; None with tcp."""
        if self.keys is None:
            return None
        from distributed import security

        make: Any = security.Security  # dask has no types
        ca, certificate, key = (str(self.keys / name) for name in (CA, CERTIFICATE, KEY))
        return make(tls_ca_file=ca, tls_client_cert=certificate, tls_client_key=key, require_encryption=True)


def cluster_address(url: str, keys: Path | None) -> ClusterAddress:
    """Check the options --cluster and --cluster-keys. Raises `UsageError`."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or not port or parts.scheme not in ("tcp", "tls") or url != f"{parts.scheme}://{parts.netloc}":
        raise UsageError(f"--cluster {url}: expected tcp://127.0.0.1:PORT or tls://HOST:PORT, such as tls://depot:8786")
    if parts.scheme == "tcp":
        if not _is_loopback(host):
            why = "dask runs the code of everybody who can connect, and tcp asks nobody who he is"
            raise UsageError(f"--cluster {url}: {why}; use tls:// and --cluster-keys, or a scheduler on 127.0.0.1")
        if keys is not None:
            raise UsageError(f"--cluster {url}: --cluster-keys needs tls://; tcp uses no keys")
        return ClusterAddress(url)
    if keys is None:
        raise UsageError(f"--cluster {url}: needs --cluster-keys FOLDER with {CA}, {CERTIFICATE} and {KEY}")
    for name in (CA, CERTIFICATE, KEY):
        try:
            (keys / name).open("rb").close()
        except OSError as error:
            raise UsageError(
                f"{keys / name}: {error.strerror}; --cluster-keys needs {CA}, {CERTIFICATE}, {KEY}"
            ) from error
    return ClusterAddress(url, keys)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

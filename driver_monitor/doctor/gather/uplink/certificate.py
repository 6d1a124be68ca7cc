"""Reads whose a certificate is and when it is valid, with the standard library: a car has no other package for it.

Python's `ssl` shows the certificate of the other side of a connection only. So both sides are this process: a client
shows the certificate to a server, in memory.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from driver_monitor.doctor.verdicts.uplink.judge import CertificateFacts
from driver_monitor.errors import ConfigError

NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL: a certificate that has ended is read too."""
MOST_TURNS = 10
"""Turns in which both sides write and read (ours). A handshake of TLS 1.3 takes 2, one of TLS 1.2 takes 3."""


def read_certificate(certificate: Path, key: Path) -> CertificateFacts:
    """Return name and validity of the certificate of a client. Raises `ConfigError`: it is none, or not that of `key`.

    It trusts the certificate itself, so that it does not matter who has signed it.
    """
    try:
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(certificate, key)
        server.load_verify_locations(certificate)
        server.verify_mode = ssl.CERT_REQUIRED
        server.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN | NO_CHECK_TIME
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        client.load_cert_chain(certificate, key)
        shown = _shown(server, client)
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "verify_message", None) or getattr(error, "reason", None) or error.strerror or error
        raise ConfigError(f"{certificate}: it is no certificate of a client with {key}: {reason}") from None
    names = [value for part in shown.get("subject", ()) for name, value in part if name == "commonName"]
    return CertificateFacts(
        names[0] if names else "",
        ssl.cert_time_to_seconds(shown["notBefore"]),
        ssl.cert_time_to_seconds(shown["notAfter"]),
    )


def _shown(server: ssl.SSLContext, client: ssl.SSLContext) -> Mapping[str, Any]:
    """Return the certificate that `client` shows `server`. Raises `ssl.SSLError`."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    answering = server.wrap_bio(to_server, to_client, server_side=True)
    asking = client.wrap_bio(to_client, to_server)
    for _ in range(MOST_TURNS):
        with suppress(ssl.SSLWantReadError):
            asking.do_handshake()
        with suppress(ssl.SSLWantReadError):
            answering.do_handshake()
            return answering.getpeercert() or {}
    raise ssl.SSLError("the handshake does not end")

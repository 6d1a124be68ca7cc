"""The CA of a depot: its key signs certificates of vehicles, operator and broker, and the list of revoked ones.

A broker that checks the list refuses everybody when the list's own time (`nextUpdate`) has passed. The list is a file
that only the depot changes, so that its time is that of the CA.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from driver_monitor.errors import ConfigError, UsageError

CA_DAYS = 3652
"""Ten years (ours): longer than a vehicle stays in a fleet."""
BACKDATED = timedelta(days=365)
"""Certificates begin a year before they are made (ours). A car without a battery clock continues at the time of its
last shutdown until a network sets its clock. After months in a garage, a new certificate would be not yet valid."""
Usage = Literal["client", "server"]


@dataclass(frozen=True, slots=True)
class Issued:
    """A new certificate with its key, both PEM. `serial`: hexadecimal. `since`, `until`: UTC."""

    certificate: bytes
    key: bytes
    serial: str
    since: datetime
    until: datetime


class Authority:
    """The CA: certificate and key."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self._certificate, self._key = certificate, key

    @property
    def until(self) -> datetime:
        """When the CA ends, UTC; no certificate ends later."""
        return self._certificate.not_valid_after_utc

    def certificate_pem(self) -> bytes:
        """Return the certificate, PEM."""
        return self._certificate.public_bytes(Encoding.PEM)

    def key_pem(self, passphrase: str | None) -> bytes:
        """Return the key, PEM, encrypted with `passphrase`; None: not encrypted."""
        return _key_pem(self._key, passphrase)

    def issue(self, name: str, usage: Usage, now: datetime, days: int, hosts: Sequence[str] = ()) -> Issued:
        """Return a new key and certificate for `name`, valid for `days`, at most until the CA ends.

        `hosts`: names and IP addresses of a server. Raises `UsageError`: the CA has ended.
        """
        if now >= self.until:
            raise UsageError(f"the CA of this depot has ended on {self.until:%Y-%m-%d}; make a new depot")
        key = ec.generate_private_key(ec.SECP256R1())
        until = min(now + timedelta(days=days), self.until)
        usages = [ExtendedKeyUsageOID.SERVER_AUTH if usage == "server" else ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = (
            _begun(_common_name(name), self._certificate.subject, key, now - BACKDATED, until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName(map(_general_name, hosts)), critical=False)
        signed = builder.sign(self._key, hashes.SHA256())
        return Issued(
            signed.public_bytes(Encoding.PEM),
            _key_pem(key, None),
            f"{signed.serial_number:x}",
            signed.not_valid_before_utc,
            signed.not_valid_after_utc,
        )

    def revoked_list(self, revoked: Iterable[tuple[str, datetime]], now: datetime, before: bytes | None) -> bytes:
        """Return the list of revoked certificates, PEM. `revoked`: serial and time. `before`: the list until now.

        It begins in the past as certificates do: a broker refuses everybody if its list is not yet valid. OpenSSL uses
        the list that begins last. Of two that begin in one second it may use the older one, so that each list begins
        at least a second after the one before.
        """
        since = now - BACKDATED
        if before is not None:
            last = x509.load_pem_x509_crl(before).last_update_utc
            since = max(since, last + timedelta(seconds=1))
        builder = x509.CertificateRevocationListBuilder(self._certificate.subject, since, self.until)
        for serial, time in revoked:
            entry = x509.RevokedCertificateBuilder(int(serial, 16), time).build()
            builder = builder.add_revoked_certificate(entry)
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
        )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)


def make_authority(now: datetime) -> Authority:
    """Return a new CA. Its name has a random part: certificates of two depots must not be mistaken for each other."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _common_name(f"driver-monitor depot {secrets.token_hex(4)}")
    builder = (
        _begun(name, name, key, now - BACKDATED, now + timedelta(days=CA_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
    )
    return Authority(builder.sign(key, hashes.SHA256()), key)


def is_encrypted(key: bytes) -> bool:
    """Return whether a key in PEM needs a passphrase."""
    return b"ENCRYPTED" in key.partition(b"\n")[0]


def load_authority(certificate: bytes, key: bytes, passphrase: str | None) -> Authority:
    """Return the CA in two PEM files. `passphrase`: of an encrypted key. Raises `ConfigError`."""
    try:
        loaded = load_pem_private_key(key, passphrase.encode() if passphrase and is_encrypted(key) else None)
        signed = x509.load_pem_x509_certificate(certificate)
    except (ValueError, TypeError) as error:
        if is_encrypted(key):
            raise ConfigError("the key of the CA cannot be read: this passphrase is not the one it has") from None
        raise ConfigError(f"the CA cannot be read: {error}; copy ca.pem and ca.key back from a backup") from None
    if not isinstance(loaded, ec.EllipticCurvePrivateKey) or loaded.public_key() != signed.public_key():
        raise ConfigError("ca.key does not belong to ca.pem; copy both back from a backup")
    return Authority(signed, loaded)


def end_of(certificate: bytes) -> datetime:
    """Return when a certificate in PEM ends, UTC. Raises `ConfigError`."""
    try:
        return x509.load_pem_x509_certificate(certificate).not_valid_after_utc
    except ValueError as error:
        raise ConfigError(f"the CA cannot be read: {error}; copy ca.pem back from a backup") from None


def revoked_serials(crl: bytes) -> frozenset[str]:
    """Return the serials of a list of revoked certificates, hexadecimal. Raises `ConfigError`."""
    try:
        return frozenset(f"{entry.serial_number:x}" for entry in x509.load_pem_x509_crl(crl))
    except ValueError as error:
        raise ConfigError(f"the list of revoked certificates cannot be read: {error}; delete crl.pem") from None


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, since: datetime, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _key_pem(key: ec.EllipticCurvePrivateKey, passphrase: str | None) -> bytes:
    encryption = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase.encode())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)

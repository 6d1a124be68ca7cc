"""The text of a key file: a certificate as libzmq's own tools write it, so that any ZeroMQ program can read it.

A key is 32 bytes, written as 40 characters of Z85 (https://rfc.zeromq.org/spec/32/).
"""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

from zmq.utils import z85

KEY_CHARACTERS = 40
_KEY = re.compile(r"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")
_LINE = re.compile(r"\s*(public-key|secret-key|server-key|created)\s*=\s*[\"']?(.*?)[\"']?\s*")
_HEAD = "#   ZeroMQ CURVE certificate of driver-monitor"
_SECRET = "#   It holds a secret key: whoever reads this file can connect in place of its owner."


class Certificate(NamedTuple):
    """The keys of one key file. `secret`: None in a file that anybody may read. `server`: the vehicle's public key.

    `server` is in the file for a client only. `created`: ISO 8601, UTC; None: the file does not say.
    """

    public: str
    secret: str | None = None
    server: str | None = None
    created: str | None = None


def is_key(text: str) -> bool:
    """Return whether `text` is a key in Z85. The key of zeros is none: with it, everybody knows what it encrypts."""
    if not _KEY.fullmatch(text):
        return False
    try:
        return any(z85.decode(text))
    except struct.error:  # five characters of Z85 can name more than 32 bits
        return False


def parse(data: bytes) -> Certificate:
    """Return the certificate in the bytes of a file. Raises `ValueError` with the reason, for people."""
    values: dict[str, str] = {}
    for line in data.decode("utf-8", "replace").splitlines():
        if (found := _LINE.fullmatch(line)) is not None:
            values.setdefault(found[1], found[2])
    for name in ("public-key", "secret-key", "server-key"):
        if name in values and not is_key(values[name]):
            raise ValueError(f"its {name} is not {KEY_CHARACTERS} characters of Z85")
    if "public-key" not in values:
        raise ValueError("it holds no public-key")
    return Certificate(values["public-key"], values.get("secret-key"), values.get("server-key"), values.get("created"))


def text_of(certificate: Certificate) -> bytes:
    """Return the bytes of a file with this certificate."""
    known = {"created": certificate.created, "server-key": certificate.server}
    keys = {"public-key": certificate.public, "secret-key": certificate.secret}
    lines = [
        _HEAD,
        *([_SECRET] if certificate.secret is not None else []),
        "",
        "metadata",
        *(f'    {name} = "{value}"' for name, value in known.items() if value is not None),
        "curve",
        *(f'    {name} = "{value}"' for name, value in keys.items() if value is not None),
    ]
    return "\n".join([*lines, ""]).encode()

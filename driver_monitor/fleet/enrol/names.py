"""Checks names of vehicles and brokers: they become user names of the broker, parts of topics, and folders."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from pathlib import Path

from driver_monitor.disk.regular_file import read_regular
from driver_monitor.errors import UsageError

OPERATOR = "operator"
BROKER = "broker"
RESERVED = {OPERATOR: "the operator's programs", BROKER: "the broker"}
"""Names of certificates that are no vehicle's, and whose they are. The broker's access list gives `operator` all."""
LONGEST = 64
"""Characters: the most of a common name in X.509 (RFC 5280, ub-common-name), and of `vehicle.id`."""
MOST_BYTES = 1 << 20
"""Of a file with names (ours): 16,000 names of the greatest length."""
_STRANGE = re.compile(r"[^A-Za-z0-9_.:-]")
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
"""One part of a host name (RFC 1123; names of containers also have underscores)."""


def check_vehicle(name: str) -> None:
    """Raise `UsageError` for a name that no vehicle may have: it could give rights of others, or leave its folder."""
    shown = f"'{name:.80}'"
    if not name:
        raise UsageError("a vehicle has no name; name it as its vehicle.id")
    if strange := sorted(set(_STRANGE.findall(name))):
        raise UsageError(
            f"{shown}: {', '.join(map(repr, strange[:5]))} cannot be part of a vehicle's name, because it is part of "
            "topics, user names and folders; use A to Z, a to z, digits, and _ . : -"
        )
    if name[0] in ".-":
        raise UsageError(f"{shown}: a vehicle's name cannot begin with '{name[0]}'; begin it with a letter or a digit")
    if len(name) > LONGEST:
        raise UsageError(f"{shown}: {len(name)} characters are too many; use at most {LONGEST}")
    if (whose := RESERVED.get(name.lower())) is not None:
        raise UsageError(f"{shown} is the name of {whose}; choose another name for this vehicle")


def check_host(host: str) -> None:
    """Raise `UsageError` for what is neither the name nor the IP address of a computer."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if len(host) > 253 or not all(map(_LABEL.fullmatch, host.split("."))):
            raise UsageError(
                f"'{host:.80}' is neither a host name nor an IP address; name the broker as vehicles reach it, without "
                "mqtts:// and without a port"
            ) from None


def read_names(file: Path) -> list[str]:
    """Return the names in a file: one a line; empty lines, and those that begin with #, are left out.

    Raises `UsageError`.
    """
    try:
        text = read_regular(file, MOST_BYTES + 1)
        lines = text.decode("utf-8-sig").splitlines()
    except OSError as error:
        raise UsageError(f"{file}: the names cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file}: this is no text in UTF-8; write one name a line") from None
    if len(text) > MOST_BYTES:
        raise UsageError(f"{file}: more than {MOST_BYTES} bytes of names; use several files")
    return [name for line in lines if (name := line.strip()) and not name.startswith("#")]


def without_repeats(names: Iterable[str]) -> list[str]:
    """Return each name once, in the order of its first place."""
    return list(dict.fromkeys(names))

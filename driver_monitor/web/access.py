"""Decides who may see the page: the host, the token and the origin of a request. Pure but for the making of a token."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Letters and digits that nobody mixes up: somebody may have to type the address into a phone."""
LENGTH = 12
"""Letters of a token: 59 bits. At 1,000 guesses a second for 15 minutes, the chance to guess it is 1 in 10^11."""


def new_token() -> str:
    """Return a random token."""
    return "".join(secrets.choice(LETTERS) for _ in range(LENGTH))


@dataclass(frozen=True, slots=True)
class Access:
    """The rules of access. `token`: who knows it may see the page. `hosts`: the values that `Host` may have.

    A page of another server whose name was made to lead here (DNS rebinding) sends its own name as `Host`.
    """

    token: str
    hosts: frozenset[str]

    def knows_token(self, text: str | None) -> bool:
        """Return whether `text` is the token. Takes the same time for each wrong text."""
        return text is not None and secrets.compare_digest(text.encode(), self.token.encode())

    def right_host(self, host: str | None) -> bool:
        """Return whether the request was sent to an address of this server."""
        return host is not None and host.lower() in self.hosts

    def right_origin(self, origin: str | None) -> bool:
        """Return whether the page that opens a WebSocket is ours. Browsers always name it; None is refused."""
        scheme, separator, host = (origin or "").partition("://")
        return bool(separator) and scheme == "http" and self.right_host(host)


def hosts_of(address: str, port: int) -> frozenset[str]:
    """Return the values of `Host` for a server at `address`, an IPv4 or IPv6 address, and `port`."""
    own = f"[{address}]" if ":" in address else address
    names = {own, "localhost"} if address in ("127.0.0.1", "::1") else {own}
    return frozenset({f"{name}:{port}" for name in names} | (names if port == 80 else set()))


def page_address(address: str, port: int, token: str) -> str:
    """Return the address to open in a browser, with the token. `address`: an IPv4 or IPv6 address."""
    host = f"[{address}]" if ":" in address else address
    return f"http://{host}:{port}/?token={token}"

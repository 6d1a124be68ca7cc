"""The little of HTTP that a scrape needs: judges one request and makes the answer. Pure: no socket, no clock."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from http import HTTPStatus

PATH = "/metrics"
END = b"\r\n\r\n"
"""The end of the head of a request."""
LONGEST_REQUEST = 8192
"""Bytes of the head (ours). Prometheus sends some hundreds."""


def answer(head: bytes, page: Callable[[], bytes], content_type: str) -> bytes:
    """Return the whole answer to the request with this `head`. `page`: makes the body of `PATH`.

    Only GET and HEAD of `PATH` get it, and only if the header Host, which a browser fills with the name that it was
    told to open, names this machine: a page of the internet must not read the counters through a browser of this
    machine (DNS rebinding).
    """
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        return refusal(HTTPStatus.BAD_REQUEST)
    method, target, _ = words
    hosts = [line.partition(":")[2].strip() for line in lines[1:] if line.lower().startswith("host:")]
    if len(hosts) > 1 or not all(map(_is_here, hosts)):
        return refusal(HTTPStatus.FORBIDDEN)
    if method not in ("GET", "HEAD"):
        return refusal(HTTPStatus.METHOD_NOT_ALLOWED)
    if target.partition("?")[0] != PATH:
        return refusal(HTTPStatus.NOT_FOUND)
    body = page()
    whole = _head(HTTPStatus.OK, content_type, len(body))
    return whole if method == "HEAD" else whole + body


def refusal(status: HTTPStatus) -> bytes:
    """Return an answer without content but one line of text."""
    body = f"{status.value} {status.phrase}; the counters are at {PATH}\n".encode()
    return _head(status, "text/plain; charset=utf-8", len(body)) + body


def _head(status: HTTPStatus, content_type: str, length: int) -> bytes:
    lines = (
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Content-Type: {content_type}",
        f"Content-Length: {length}",
        "Connection: close",
    )
    return ("\r\n".join(lines)).encode() + END


def _is_here(host: str) -> bool:
    """Return whether `host`, with or without a port, is a name of this machine's loopback."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    if name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False

"""Lets only requests through that were sent to an address of this server, by who knows the token.

Every request passes `Guard` first: right host, then the token, from the address or from the cookie that the first
request with the address sets.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from driver_monitor.web.access import Access

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy. Pictures are fetched by the script and drawn, so that no image is loaded."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
POLICY_VIOLATION = 1008
"""The code of a refused WebSocket (RFC 6455, 7.4.1)."""


def file_response(path: Path, kind: str, status: int = 200) -> Response:
    """Return a file of the page with the headers that every answer has. `kind`: as "text/html"."""
    return Response(path.read_bytes(), status, HEADERS, kind)


@dataclass(frozen=True, slots=True)
class Entrance:
    """What `Guard` needs of a page. `cookie`: name of the cookie with the token. `refused`: the page of a refusal.

    Browsers send a cookie to every port of a host, so that two pages of this program need two names.
    """

    access: Access
    cookie: str
    refused: Path


class Guard:
    """Passes a request to `app` if it was sent to an address of this server by who knows the token."""

    def __init__(self, app: ASGIApp, entrance: Entrance) -> None:
        self._app, self._access = app, entrance.access
        self._cookie, self._refused = entrance.cookie, entrance.refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        host = self._access.right_host(request.headers.get("host"))
        token = request.query_params.get("token")
        if host and self._access.knows_token(self._token(request)) and token is None:
            if scope["type"] == "http" or self._access.right_origin(request.headers.get("origin")):
                await self._app(scope, receive, send)
                return
        elif host and scope["type"] == "http" and self._access.knows_token(token):
            await self._enter(scope, receive, send)
            return
        await self._refuse(scope, receive, send)

    async def _enter(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Move the token from the address into a cookie: the address is visible, and browsers keep it."""
        response = RedirectResponse("/", 303, HEADERS)
        response.set_cookie(self._cookie, self._access.token, httponly=True, samesite="lax")
        await response(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await WebSocket(scope, receive, send).close(POLICY_VIOLATION)
            return
        await file_response(self._refused, "text/html", 403)(scope, receive, send)

    def _token(self, request: HTTPConnection) -> str | None:
        """Return the token in the cookie. Another program on this host may have set others, also of a strange form."""
        cookies: SimpleCookie = SimpleCookie()
        with suppress(CookieError):
            cookies.load(request.headers.get("cookie", ""))
        return cookies[self._cookie].value if self._cookie in cookies else None

"""The web application: the page, its style and script, and a WebSocket with pictures and verdicts.

Every request passes `Guard` first: right host, then the token, from the address or from the cookie that the first
request with the address sets.
"""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from driver_monitor.aim.access import Access
from driver_monitor.aim.buzzer import Buzzer
from driver_monitor.aim.live import Live
from driver_monitor.app.pictures.link import PICTURES_HZ

_log = logging.getLogger(__name__)

FOLDER = Path(__file__).parent / "page"
COOKIE = "aim"
FILES = {"/aim.css": "text/css", "/aim.js": "text/javascript"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy. The pictures come over the WebSocket and are drawn, so that no image is loaded."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
POLICY_VIOLATION = 1008
"""The code of a refused WebSocket (RFC 6455, 7.4.1)."""


def web_app(live: Live, access: Access, buzzer: Buzzer) -> ASGIApp:
    """Return the application, behind `Guard`."""

    async def page(_: Request) -> Response:
        return _file("index.html", "text/html")

    async def part(request: Request) -> Response:
        return _file(request.url.path.lstrip("/"), FILES[request.url.path])

    async def nothing(_: Request) -> Response:
        return Response(status_code=204, headers=HEADERS)

    async def watch(socket: WebSocket) -> None:
        await socket.accept()
        viewer = Viewer(socket, live, buzzer)
        tasks = [asyncio.create_task(viewer.send()), asyncio.create_task(viewer.listen())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        for end in await asyncio.gather(*tasks, return_exceptions=True):
            # RuntimeError: the browser went while we sent.
            if not isinstance(end, WebSocketDisconnect | RuntimeError | asyncio.CancelledError | None):
                raise end

    parts = [Route(path, part) for path in FILES]
    # Browsers ask for an icon; without an answer the console shows an error.
    app = Starlette(routes=[Route("/", page), *parts, Route("/favicon.ico", nothing), WebSocketRoute("/live", watch)])
    return Guard(app, access)


def _file(name: str, kind: str, status: int = 200) -> Response:
    return Response((FOLDER / name).read_bytes(), status, HEADERS, kind)


class Guard:
    """Lets only requests through that were sent to an address of this server, by who knows the token."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        host = self._access.right_host(request.headers.get("host"))
        token = request.query_params.get("token")
        if host and self._access.knows_token(_cookie(request)) and token is None:
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
        response.set_cookie(COOKIE, self._access.token, httponly=True, samesite="lax")
        await response(scope, receive, send)

    @staticmethod
    async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await WebSocket(scope, receive, send).close(POLICY_VIOLATION)
            return
        await _file("refused.html", "text/html", 403)(scope, receive, send)


def _cookie(request: HTTPConnection) -> str | None:
    """Return the token in the cookie. Another program on this host may have set others, also with a strange form."""
    cookies: SimpleCookie = SimpleCookie()
    with suppress(CookieError):
        cookies.load(request.headers.get("cookie", ""))
    return cookies[COOKIE].value if COOKIE in cookies else None


class Viewer:
    """One open page. A text message holds what to show; the picture follows it if there is a new one."""

    def __init__(self, socket: WebSocket, live: Live, buzzer: Buzzer) -> None:
        self._socket, self._live, self._buzzer = socket, live, buzzer
        self._told: str | None = None

    async def send(self) -> None:
        """Send what is newest, `PICTURES_HZ` times a second, to the end of the page."""
        sent: int | None = None
        while True:
            message, picture = self._live.newest()
            told, self._told = self._told, None
            await self._socket.send_text(json.dumps({**message, "told": told}))
            if picture is not None and message["number"] != sent:
                sent = message["number"]
                await self._socket.send_bytes(picture)
            if message["ended"] is not None:
                await self._socket.close()
                return
            await asyncio.sleep(1.0 / PICTURES_HZ)

    async def listen(self) -> None:
        """Take the press of the button, until the browser goes."""
        while True:
            if await self._socket.receive_text() == "beep":
                _log.info("aim: the installer asks for the buzzer")
                self._told = await asyncio.to_thread(self._buzzer.sound)

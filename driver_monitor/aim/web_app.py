"""The web application: the page, its style and script, and a WebSocket with pictures and verdicts."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect

from driver_monitor.aim.buzzer import Buzzer
from driver_monitor.aim.live import Live
from driver_monitor.app.pictures.link import PICTURES_HZ
from driver_monitor.web.access import Access
from driver_monitor.web.guard import HEADERS, Entrance, Guard, file_response

_log = logging.getLogger(__name__)

FOLDER = Path(__file__).parent / "page"
COOKIE = "aim"
FILES = {"/aim.css": "text/css", "/aim.js": "text/javascript"}


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
    return Guard(app, Entrance(access, COOKIE, FOLDER / "refused.html"))


def _file(name: str, kind: str) -> Response:
    return file_response(FOLDER / name, kind)


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

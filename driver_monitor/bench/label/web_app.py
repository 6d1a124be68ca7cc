"""The web application of the page: its files, the pictures of frames, and a WebSocket for edits and the state.

All tabs show the state of the server. An edit names the revision that its tab has seen, and is refused if there is a
newer one: no tab overwrites what another one has done.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect

from driver_monitor.bench.label.desk import LabelDesk
from driver_monitor.bench.label.session import LabelSession
from driver_monitor.errors import DriverMonitorError
from driver_monitor.messages.lines import one_line
from driver_monitor.web.access import Access
from driver_monitor.web.guard import HEADERS, Entrance, Guard, file_response

FOLDER = Path(__file__).parent / "page"
COOKIE = "label-{port}"
"""Browsers send a cookie to every port of a host: two pages at once need two names."""
SCRIPTS = ("label.js", "timeline.js", "pictures.js", "keys.js")
FILES = {"/label.css": "text/css", **{f"/{name}": "text/javascript" for name in SCRIPTS}}
LOOK_S = 0.1
"""Seconds between two looks whether another tab has changed something."""


def web_app(desk: LabelDesk, access: Access, port: int) -> ASGIApp:
    """Return the application, behind `Guard`. `port`: of the server."""

    async def page(_: Request) -> Response:
        return file_response(FOLDER / "index.html", "text/html")

    async def part(request: Request) -> Response:
        return file_response(FOLDER / request.url.path.lstrip("/"), FILES[request.url.path])

    async def nothing(_: Request) -> Response:
        return Response(status_code=204, headers=HEADERS)

    async def clips(_: Request) -> Response:
        return JSONResponse(desk.names, headers=HEADERS)

    async def facts(request: Request) -> Response:
        session = await _session(desk, request.path_params["clip"])
        return _missing() if session is None else JSONResponse(session.facts(), headers=HEADERS)

    async def picture(request: Request) -> Response:
        session = await _session(desk, request.path_params["clip"])
        if session is None:
            return _missing()
        try:
            data = await asyncio.to_thread(session.jpeg, request.path_params["frame"])
        except IndexError:
            return _missing()
        return Response(data, headers=HEADERS, media_type="image/jpeg")

    async def live(socket: WebSocket) -> None:
        await socket.accept()
        viewer = LabelViewer(socket, desk, socket.path_params["clip"])
        try:
            await viewer.serve()
        except (WebSocketDisconnect, RuntimeError):
            return  # RuntimeError: the browser went while we sent

    routes = [
        Route("/", page),
        *(Route(path, part) for path in FILES),
        Route("/favicon.ico", nothing),
        Route("/clips", clips),
        Route("/clip/{clip:index}", facts),
        Route("/clip/{clip:index}/{frame:index}.jpg", picture),
        WebSocketRoute("/live/{clip:index}", live),
    ]
    app = Starlette(routes=routes, exception_handlers={DriverMonitorError: _failed, 404: _nowhere})
    return Guard(app, Entrance(access, COOKIE.format(port=port), FOLDER / "refused.html"))


class IndexConvertor(IntegerConvertor):
    """The number of a clip or frame in an address. Python refuses to read a number of thousands of digits."""

    regex = "[0-9]{1,9}"


register_url_convertor("index", IndexConvertor())


async def _failed(_: Request, error: Exception) -> Response:
    return Response(one_line(str(error)), 500, HEADERS, "text/plain")


async def _nowhere(_: Request, __: Exception) -> Response:
    return _missing()


async def _session(desk: LabelDesk, index: int) -> LabelSession | None:
    return await asyncio.to_thread(desk.session, index) if index < len(desk.names) else None


def _missing() -> Response:
    return Response("no such frame or clip", 404, HEADERS, "text/plain")


class LabelViewer:
    """One open tab with one clip."""

    def __init__(self, socket: WebSocket, desk: LabelDesk, index: int) -> None:
        self._socket, self._desk, self._index = socket, desk, index

    async def serve(self) -> None:
        """Send progress until the clip is ready, then the state after each change. Take edits, to the end."""
        session = await self._ready()
        if session is None:
            return
        tasks = [asyncio.create_task(self._follow(session)), asyncio.create_task(self._listen(session))]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        for end in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(end, BaseException) and not isinstance(end, asyncio.CancelledError):
                raise end

    async def _ready(self) -> LabelSession | None:
        opening = asyncio.create_task(_session(self._desk, self._index))
        while not (await asyncio.wait([opening], timeout=3 * LOOK_S))[0]:
            await self._send({"preparing": self._desk.step})
        try:
            session = opening.result()
        except DriverMonitorError as error:
            await self._send({"failed": str(error)})
            session = None
        if session is None:
            await self._socket.close()
        return session

    async def _follow(self, session: LabelSession) -> None:
        sent = None
        while True:
            if session.version != sent:
                sent = session.version
                await self._send({"state": session.state()})
            if self._desk.ended is not None:
                await self._send({"ended": self._desk.ended})
                await self._socket.close()
                return
            await asyncio.sleep(LOOK_S)

    async def _listen(self, session: LabelSession) -> None:
        while True:
            edit = _object(await self._socket.receive_text())
            refused = await asyncio.to_thread(session.apply, edit)
            await self._send({"answer": edit.get("id"), "refused": refused, "state": session.state()})

    async def _send(self, message: Mapping[str, Any]) -> None:
        await self._socket.send_text(json.dumps(message))


def _object(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {}

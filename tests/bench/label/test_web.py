"""The server of the page by its answers: who is refused, rubbish over the WebSocket, and that it ends."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from driver_monitor.app.build import Request, load_plan
from driver_monitor.bench.label.desk import DeskSetting, LabelDesk
from driver_monitor.bench.label.label_file import LabelFile
from driver_monitor.bench.label.session import LabelSession
from driver_monitor.bench.label.signals import SHOWN, ClipSignals
from driver_monitor.bench.score.track import track_of
from driver_monitor.capture.recordings.indexed_clip import IndexedClip
from driver_monitor.errors import DriverMonitorError
from tests.bench.label.stage import TOKEN, add, served
from tests.capture.clips import picture_of, write_clip

websockets = pytest.importorskip("websockets.sync.client", reason="websockets is not installed (extra label)")
pytest.importorskip("uvicorn", reason="uvicorn is not installed (extra label)")
PLAN = load_plan(Request(None))
COUNT = 10


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[LabelDesk]:
    """A desk with a clip in which nothing is known, and one that cannot be opened."""
    clip = write_clip(tmp_path / "trip.mp4", [picture_of(number) for number in range(COUNT)])
    (tmp_path / "torn.mp4").write_text("no video")
    table = LabelDesk(DeskSetting([clip, tmp_path / "torn.mp4"], tmp_path / "labels", PLAN), lambda *_: None)
    signals = ClipSignals({name: [None] * COUNT for name in SHOWN}, track_of([]))
    file = LabelFile(tmp_path / "labels" / "trip.json")
    with closing(IndexedClip(clip)) as source:
        table._sessions[0] = LabelSession(clip.name, source, signals, file, PLAN.profile, "p1")
        yield table


@pytest.fixture
def address(desk: LabelDesk) -> Iterator[str]:
    with served(desk) as address:
        yield address.split("/")[2]


def get(address: str, path: str, cookie: bool = True, **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(address, timeout=30)
    own = {"Cookie": f"label-{address.split(':')[1]}={TOKEN}"} if cookie else {}
    connection.request("GET", path, headers={**own, **headers})
    return connection.getresponse()


def live(address: str, clip: int = 0, **headers: str) -> Any:
    own = {"Cookie": f"label-{address.split(':')[1]}={TOKEN}", "Origin": f"http://{address}"}
    return websockets.connect(f"ws://{address}/live/{clip}", additional_headers={**own, **headers})


PATHS = ("/", "/label.js", "/clips", "/clip/0", "/clip/0/3.jpg", "/?token=wrong", "/live/0")


def test_fail__nothing_is_shown_without_the_token_or_to_a_name_that_leads_here(address: str) -> None:
    for path in PATHS:
        assert get(address, path, cookie=False).status == 403
        assert get(address, path, Host="evil.example").status == 403
    with pytest.raises(Exception, match="403"):
        live(address, Origin="http://evil.example")


def test_fail__a_clip_that_cannot_be_opened_is_one_line(address: str, capfd: pytest.CaptureFixture[str]) -> None:
    for path in ("/clip/1", "/clip/1/0.jpg"):
        answer = get(address, path)
        assert (answer.status, answer.getheader("Cache-Control")) == (500, "no-store")
        text = answer.read().decode()
        assert "torn.mp4: " in text
        assert "\n" not in text
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("path", ["/clip/" + "7" * 5000, "/clip/0/" + "7" * 5000 + ".jpg", "/clip/7", "/elsewhere"])
def test_fail__what_is_not_there_is_not_found(address: str, path: str) -> None:
    answer = get(address, path)
    assert (answer.status, answer.getheader("Cache-Control")) == (404, "no-store")


def test_ok__every_answer_forbids_storing_and_all_that_the_page_does_not_need(address: str) -> None:
    for path in ("/", "/label.js", "/label.css", "/keys.js", "/timeline.js", "/pictures.js", "/clips", "/clip/0/3.jpg"):
        answer = get(address, path)
        assert answer.status == 200
        assert answer.getheader("Cache-Control") == "no-store"
        assert str(answer.getheader("Content-Security-Policy")).startswith("default-src 'none'")


@pytest.mark.parametrize("path", ["/clip/0/10.jpg", "/clip/7", "/clip/7/0.jpg", "/clip/0/-1.jpg", "/labels", "/../x"])
def test_fail__a_frame_or_clip_that_is_not_there_is_not_found(address: str, path: str) -> None:
    assert get(address, path).status == 404


def test_fail__rubbish_is_refused_and_the_page_goes_on(address: str, tmp_path: Path) -> None:
    with live(address) as socket:
        state = json.loads(socket.recv())["state"]
        for text in ("", "{", "[]", "7", '{"op": 7}', '{"op": "add"}', '{"op": []}', "[" * 500):
            socket.send(text)
            message: dict[str, Any] = {}
            while "answer" not in message:
                message = json.loads(socket.recv())
            assert message["refused"]
            assert message["state"]["revision"] == state["revision"]
        socket.send(json.dumps({**add("yawn", 1, 2), "revision": state["revision"], "id": 4}))
        while message.get("answer") != 4:
            message = json.loads(socket.recv())
        assert message["refused"] is None
    assert (tmp_path / "labels" / "trip.json").exists()


def test_fail__a_clip_that_cannot_be_opened_is_told(address: str) -> None:
    with live(address, 1) as socket:
        messages = [json.loads(text) for text in socket]
    assert "torn.mp4: cannot be opened as a video" in messages[-1]["failed"]


def test_ok__an_open_page_hears_of_the_end(desk: LabelDesk, address: str) -> None:
    with live(address) as socket:
        socket.recv()
        threading.Timer(0.0, lambda: setattr(desk, "ended", "stopped")).start()
        assert json.loads(list(socket)[-1]) == {"ended": "stopped"}


def test_fail__a_clip_that_is_being_opened_at_the_end_is_given_up(desk: LabelDesk, tmp_path: Path) -> None:
    desk.ended = "stopped"
    desk._sessions.clear()
    with pytest.raises(DriverMonitorError, match="has been ended"):
        desk.session(0)

"""The web server by its answers: who is refused, what is sent, and that it ends."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest

from driver_monitor.aim.live import LIMIT_S
from driver_monitor.errors import OutputError
from tests.aim.stage import TOKEN, Stage, staged

websockets = pytest.importorskip("websockets.sync.client", reason="websockets is not installed (extra aim)")
COOKIE = f"aim={TOKEN}"


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


def test_ok__the_address_with_the_token_leads_to_the_page_and_the_token_into_a_cookie(stage: Stage) -> None:
    entered = stage.get(f"/?token={TOKEN}")
    cookie = str(entered.getheader("Set-Cookie"))
    assert (entered.status, entered.getheader("Location")) == (303, "/")
    assert cookie.startswith(COOKIE)
    assert "httponly" in cookie.lower()
    page = stage.get("/", Cookie=COOKIE)
    text = page.read().decode()
    assert page.status == 200
    assert "None is stored" in text
    assert TOKEN not in text


@pytest.mark.parametrize(
    "path", ["/", "/aim.js", "/aim.css", "/live", "/favicon.ico", "/other", "/?token=wrong", "/?token="]
)
def test_fail__without_the_right_token_every_path_is_a_plain_refusal(stage: Stage, path: str) -> None:
    for headers in ({}, {"Cookie": "aim=wrong"}, {"Cookie": "aim="}, {"Cookie": "other=1; x[]=}{"}):
        answer = stage.get(path, **headers)
        text = answer.read().decode()
        assert answer.status == 403
        assert answer.getheader("Set-Cookie") is None
        assert "token is wrong or missing" in text
        assert "None is stored" in text


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8642", "127.0.0.1", "localhost"])
def test_fail__a_name_that_was_made_to_lead_here_is_refused_even_with_the_token(stage: Stage, host: str) -> None:
    assert stage.get(f"/?token={TOKEN}", Host=host).status == 403
    assert stage.get("/", Host=host, Cookie=COOKIE).status == 403


def test_ok__every_answer_forbids_all_that_the_page_does_not_need(stage: Stage) -> None:
    answers = [stage.get("/"), stage.get(f"/?token={TOKEN}")]
    answers += [stage.get(path, Cookie=COOKIE) for path in ("/", "/aim.js", "/aim.css")]
    for answer in answers:
        policy = str(answer.getheader("Content-Security-Policy"))
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert answer.getheader("Cache-Control") == "no-store"
        assert answer.getheader("X-Content-Type-Options") == "nosniff"
        assert answer.getheader("Referrer-Policy") == "no-referrer"


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "https://127.0.0.1"])
def test_fail__the_page_of_another_server_gets_no_pictures(stage: Stage, origin: str | None) -> None:
    headers = {"Cookie": COOKIE} | ({} if origin is None else {"Origin": origin})
    with pytest.raises(Exception, match="403"):
        websockets.connect(f"ws://{stage.host}/live", additional_headers=headers)


@pytest.mark.parametrize("cookie", ["", "aim=wrong"])
def test_fail__without_the_token_there_are_no_pictures(stage: Stage, cookie: str) -> None:
    headers = {"Cookie": cookie, "Origin": f"http://{stage.host}"}
    with pytest.raises(Exception, match="403"):
        websockets.connect(f"ws://{stage.host}/live?token={TOKEN}", additional_headers=headers)


def test_ok__a_page_that_is_open_hears_of_the_end_and_the_server_ends(stage: Stage) -> None:
    ended = threading.Thread(target=stage.server.run, args=(lambda: None, 0.01))
    ended.start()
    headers = {"Cookie": COOKIE, "Origin": f"http://{stage.host}"}
    with websockets.connect(f"ws://{stage.host}/live", additional_headers=headers) as socket:
        assert '"ended": null' in socket.recv()
        stage.clock.skipped_s = LIMIT_S
        ended.join(30)
        assert '"ended": "time"' in list(socket)[-1]
    stage.server.close()
    with pytest.raises(OSError, match="refused"):
        stage.get("/")


def test_fail__a_server_that_fails_is_told(stage: Stage) -> None:
    stage.server._server.should_exit = True
    with pytest.raises(OutputError, match="the web server has failed"):
        stage.server.run(lambda: None, 0.01)


def test_ok__no_log_line_holds_the_token(
    stage: Stage, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    for path in (f"/?token={TOKEN}", f"/other?token={TOKEN}", "/"):
        stage.get(path, Cookie=COOKIE)
    assert TOKEN not in caplog.text
    assert TOKEN not in "".join(capfd.readouterr())

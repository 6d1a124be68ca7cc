"""The page on a real server, with the own pipeline or given sightings behind it, and a fake clock for its life."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from driver_monitor.aim.buzzer import Buzzer
from driver_monitor.aim.live import Live
from driver_monitor.aim.own_camera import OwnCamera
from driver_monitor.aim.web_app import web_app
from driver_monitor.app.build import Request, load_plan
from driver_monitor.config.schema import GpioConfig
from driver_monitor.web.access import Access, hosts_of
from driver_monitor.web.server import PageServer, bound

TOKEN = "abcdefghjkmn"


@dataclass
class Stage:
    """A running page. `skipped_s`: seconds by which its clock is ahead of the real one."""

    port: int
    live: Live
    server: PageServer
    clock: SkippingClock

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def address(self) -> str:
        return f"http://{self.host}/?token={TOKEN}"

    def get(self, path: str, **headers: str) -> http.client.HTTPResponse:
        """Return the answer to a request with these headers, such as `Host`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", path, headers=headers)
        return connection.getresponse()


class SkippingClock:
    """A clock that goes on only when a test says so, or with another one."""

    def __init__(self, base: Callable[[], float] = lambda: 0.0) -> None:
        self.skipped_s, self._base = 0.0, base

    def __call__(self) -> float:
        return self._base() + self.skipped_s


@contextmanager
def staged(base: Callable[[], float] = lambda: 0.0, config: GpioConfig | None = None) -> Iterator[Stage]:
    """Serve a page at a free port. `base`: its clock."""
    clock = SkippingClock(base)
    live = Live(clock)
    with bound("127.0.0.1") as listener:
        port = listener.getsockname()[1]
        buzzer = Buzzer(lambda: False, config or GpioConfig(backend="off"), wait=lambda _: None)
        app = web_app(live, Access(TOKEN, hosts_of("127.0.0.1", port)), buzzer)
        with closing(PageServer(app, listener, live, "aim")) as server:
            yield Stage(port, live, server, clock)


@contextmanager
def watching_camera(stage: Stage, source: str, folder: Path, camera: str = "{}") -> Iterator[None]:
    """Show on `stage` what the own pipeline sees in `source`. `camera`: more settings of the section `camera`."""
    config = folder / "config.yaml"
    config.write_text(f"camera: {camera}\n")
    with closing(OwnCamera(load_plan(Request(config, source)), stage.live)):
        yield

"""A daemon whose configuration is exchanged, with parts that remember."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from driver_monitor.app import build
from driver_monitor.app.build import Plan, Request
from driver_monitor.app.daemon import Daemon
from driver_monitor.app.part_table import TABLE, DaemonPart, Setup, open_parts
from driver_monitor.app.process.systemd import Notifier
from driver_monitor.app.reload import Reloader
from driver_monitor.capture.fake import FakeCamera
from driver_monitor.capture.grabber import Grabber
from driver_monitor.data.alert import Sign
from driver_monitor.errors import OutputError
from driver_monitor.messages.envelope import ReplayStamper
from driver_monitor.messages.wire import Message
from driver_monitor.outputs.output import Output
from tests.drive import Numbers
from tests.timeline import film, shut


def finish(reloader: Reloader, daemon: Daemon) -> bool:
    """Reload, and wait for the thread that reads the configuration."""
    while reloader(daemon):
        assert reloader._reading is not None
        reloader._reading.thread.join(30)
    return False


@dataclass
class Out(Output):
    """Outputs that remember, and that cannot be opened on a port that is taken."""

    plan: Plan
    alerts: list[Message] = field(default_factory=list)
    closed: bool = False
    failure: str | None = None

    def alert(self, alert: Message) -> None:
        self.alerts.append(alert)

    def close(self) -> None:
        self.closed = True


def with_builds(**builds: Callable[[Setup], object]) -> tuple[DaemonPart, ...]:
    """The table of parts, some of which are built by `builds`."""
    return tuple(
        replace(part, build=builds[part.name], rebuild=None) if part.name in builds else part for part in TABLE
    )


class Car:
    """A daemon with a microsleep under way, and its configuration file."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "my.yaml"
        self.taken: set[str] = set()
        self.outs: list[Out] = []
        self.write("")
        self.setup = Setup(self.plan())
        table = with_builds(numbers=lambda _: Numbers(), source=self._source, outputs=self._outputs)
        self.opened = ExitStack()
        parts = self.opened.enter_context(open_parts(self.setup, table))
        self.kept: list[Plan] = []
        self.reloader = Reloader(Request(self.file), self.setup, table, self.kept.append)
        self.daemon = Daemon(parts, ReplayStamper("ab"), Notifier({}), lambda: 5.0, 0.0, self.reloader)
        pipeline = parts.pipeline
        for frame in film([shut(1.5)]):
            state = pipeline._state.update(frame)
            self.daemon.send(pipeline.engine.update(state).events)

    def _outputs(self, setup: Setup) -> Out:
        plan = setup.plan
        if plan.config.zmq.bind in self.taken:
            raise OutputError(f"zmq.bind: {plan.config.zmq.bind} is in use")
        self.outs.append(Out(plan))
        return self.outs[-1]

    def _source(self, setup: Setup) -> Grabber:
        camera = FakeCamera([], 30.0, live=False, name=setup.config.camera.source)
        return Grabber(lambda: camera, setup.config.camera.lost_after_s)

    def plan(self) -> Plan:
        return build.load_plan(Request(self.file))

    def write(self, text: str) -> None:
        self.file.write_text(text)

    def said(self) -> list[tuple[object, object]]:
        return [(alert["rule"], alert["phase"]) for alert in self.outs[-1].alerts]

    def reload(self, daemon: Daemon) -> None:
        finish(self.reloader, daemon)

    def close(self) -> None:
        self.opened.close()


def other(setup: Setup, plan: Plan) -> Setup:
    changed = replace(setup, plan=plan)
    changed.models = setup.models
    return changed


class Opened:
    """A part that notes when it is opened and closed."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log
        log.append(f"open {name}")

    def alert(self, alert: Message) -> None:
        pass

    def show(self, sign: Sign | None) -> None:
        pass

    def close(self) -> None:
        self.log.append(f"close {self.name}")


def noting(log: list[str], broken: str = "", source: str = "0") -> tuple[DaemonPart, ...]:
    """The table with parts that note it; the part `broken` cannot be opened where the camera is `source`."""

    def build_for(name: str) -> Callable[[Setup], object]:
        def open_part(setup: Setup) -> object:
            if name == broken and setup.config.camera.source == source:
                raise OutputError(f"{name} is broken")
            return Opened(name, log)

        return open_part

    return with_builds(**{name: build_for(name) for name in ("numbers", "source", "vehicle", "button", "outputs")})


@contextmanager
def parked(folder: Path) -> Iterator[Car]:
    """A car whose configuration file is in `folder`. Its only alert so far is the microsleep."""
    car = Car(folder)
    assert car.said() == [("microsleep", "raised")]
    yield car
    car.close()

"""Every way out of a car with an operator, tapped: what a face expresses goes out on none of them.

A drive with every expression goes through the real pipeline, the real filter and the real outputs. Then every byte that
left is searched: MQTT behind a real broker, ZeroMQ on this machine and beyond, VSS, metrics, files on disk, a trace.
The list of outputs comes from the code: an output that is added and tapped nowhere makes a test fail.
"""

from __future__ import annotations

import gzip
import importlib
import itertools
import json
import pkgutil
import re
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import zmq

from driver_monitor import outputs
from driver_monitor.app import build
from driver_monitor.app.build import Plan, Request
from driver_monitor.app.daemon import Daemon
from driver_monitor.app.part_table import Setup, open_parts
from driver_monitor.app.reload import Reloader
from driver_monitor.data.observation import EXPRESSIONS, CameraState, Expression, Observation
from driver_monitor.imaging.frame import Frame
from driver_monitor.keys.key_folder import KeyFolder
from driver_monitor.messages.envelope import LiveStamper
from driver_monitor.outputs.car.output import CarOutput
from driver_monitor.outputs.curve.publisher import CurvePublisher
from driver_monitor.outputs.metrics import MetricsOutput
from driver_monitor.outputs.output import Output
from driver_monitor.outputs.trace_writer import TraceWriter
from driver_monitor.outputs.uplink.output import UplinkOutput
from driver_monitor.outputs.uplink.status import VehicleRun, online_message, status_message
from driver_monitor.outputs.vss.output import VssOutput
from driver_monitor.outputs.zmq_publisher import ZmqPublisher
from driver_monitor.rules.profile import Profile
from driver_monitor.signals.table import ROWS
from driver_monitor.spool.entry import SpoolCounts
from driver_monitor.spool.spool import Spool
from tests.conftest import Cli
from tests.drive import STARTED, Cabin
from tests.fleet.services import MOSQUITTO, mosquitto
from tests.outputs.uplink.operator_side import Heard, OperatorSide, operator_side
from tests.processes import PATIENCE_S, free_port
from tests.reloading import finish, with_builds
from tests.test_workplace import PURPOSE, StatusRecorder, wall
from tests.timeline import attentive, shut

TAPPED = {
    ZmqPublisher: "subscriber on this machine",
    CurvePublisher: "client with a key",
    CarOutput: "vehicle/dms, by the subscriber",
    VssOutput: "vehicle/vss, by the subscriber",
    UplinkOutput: "subscriber at the broker, and the files of the spool",
    MetricsOutput: "scrape",
    TraceWriter: "file",
}
"""The ways out, and how they are tapped here. A new output that is not local belongs here, and into `everything_on`."""
EXPRESSION_S = 7.0
"""How long each expression is shown: longer than the 5 s after which the rule `distress` speaks."""
OWN_RULES = """\
name: ours
extends: default
workplace: false
rules:
  - id: zz_cross
    when: {any: [{signal: emotion.label, is: anger}, {signal: eyes.closed_s, at_least: 50}]}
    clear: {signal: emotion.label, is: neutral}
    level: critical
    message: "zz looks {emotion.label}"
    clause: none
  - id: zz_behind
    when: {signal: rule.zz_cross.held_s, above: 1.0}
    clear: {signal: rule.zz_cross.held_s, at_most: 0.0}
    level: warning
    message: "zz held {rule.zz_cross.held_s:.1f}"
    clause: none
  - id: zz_far_behind
    when: {signal: rule.zz_behind.held_s, above: 0.5}
    clear: {signal: rule.zz_behind.held_s, at_most: 0.0}
    level: info
    message: "zz"
    clause: none
  - id: zz_chatty
    when: {signal: eyes.closed_s, at_least: 1.0}
    clear: {signal: eyes.closed_s, at_most: 0.0}
    level: info
    message: "zz {emotion.label} {emotion.intensity}"
    clause: none
"""


def forbidden() -> re.Pattern[str]:
    """Return what must be in no byte: labels, ids of rules, and names of signals that rest on an expression."""
    rows = [row for row in ROWS if not row.public]
    labels = {*EXPRESSIONS, *(word for row in rows for word in row.choices)}
    names = {name for row in rows for name in (row.name, row.json) if name}
    assert {"anger", "uncertain", "positive", "emotion.distress_s", "emotion.p"} <= labels | names
    words = "|".join(re.escape(word) for word in sorted({*labels, *names, "distress"}))
    return re.compile(rf"\b(?:{words})\b|zz_|zz |\"emotion\":(?!null)")


FORBIDDEN = forbidden()


def told(taken: bytes) -> list[str]:
    """What a text that left says of an expression."""
    return [f"...{m.string[max(0, m.start() - 60) : m.end() + 20]}" for m in FORBIDDEN.finditer(taken.decode())]


def ways_out() -> set[type[Output]]:
    """Return every class of output that is not local and has no derived class, from the code itself."""
    for module in pkgutil.walk_packages(outputs.__path__, f"{outputs.__name__}."):
        importlib.import_module(module.name)

    def below(one: type[Output]) -> Iterator[type[Output]]:
        derived = [other for other in one.__subclasses__() if other.__module__.startswith("driver_monitor.")]
        yield from (leaf for other in derived for leaf in below(other)) if derived else (one,)

    return {one for one in below(Output) if not one.local and one.__name__ != "Outputs"}


class Moody(Cabin):
    """A driver who shows one expression after the other, from the `first` on, and nods off at the end of each."""

    first = 0

    def __init__(self) -> None:
        super().__init__(*itertools.chain(*[(attentive(EXPRESSION_S - 1.4), shut(1.4)) for _ in EXPRESSIONS]))
        self.shown: set[str] = set()

    def observe(self, frame: Frame, camera: CameraState = "ok") -> Observation:
        name = EXPRESSIONS[(self.first + int(frame.t / EXPRESSION_S)) % len(EXPRESSIONS)]
        self.shown.add(name)
        expression = Expression({other: 0.93 if other == name else 0.01 for other in EXPRESSIONS})
        return replace(super().observe(frame, camera), expression=expression)


class Taps:
    """Subscribers to everything at several addresses, in one thread. `taken`: the bytes of each, frame by frame."""

    def __init__(self) -> None:
        self.taken: dict[str, list[list[bytes]]] = {}
        self._sockets: dict[Any, str] = {}
        self._poller, self._stopped = zmq.Poller(), threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def add(self, name: str, address: str, secure: Callable[[Any], object] = lambda _: None) -> None:
        socket: Any = zmq.Context.instance().socket(zmq.SUB)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RCVHWM, 0)
        secure(socket)
        socket.subscribe("")
        socket.connect(address)
        self._sockets[socket], self.taken[name] = name, []
        self._poller.register(socket, zmq.POLLIN)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(PATIENCE_S)
        for socket in self._sockets:
            socket.close()

    def _listen(self) -> None:
        while not self._stopped.is_set():
            for socket, _ in self._poller.poll(50):
                self.taken[self._sockets[socket]].append(socket.recv_multipart())


@dataclass
class Car:
    """A car in `folder` with every way out switched on and tapped."""

    folder: Path
    broker: int
    monkeypatch: pytest.MonkeyPatch
    cabin: Moody = field(default_factory=Moody)
    metrics: int = field(default_factory=free_port)
    lan: int = field(default_factory=free_port)
    pages: list[bytes] = field(default_factory=list)
    classes: set[type[Output]] = field(default_factory=set)
    sentences: list[str] = field(default_factory=list)
    vehicle: str = field(default_factory=lambda: f"van-{free_port()}")

    def __post_init__(self) -> None:
        self.taps = Taps()
        self.keys = KeyFolder(self.folder / "keys")
        self.keys.make()
        (self.folder / "own.yaml").write_text(OWN_RULES)
        self.monkeypatch.setenv("RUNTIME_DIRECTORY", str(self.folder))
        self.monkeypatch.setattr(build, "build_perception", lambda *_, **__: self.cabin)

    def everything_on(self, profile: str, purpose: bool = True) -> str:
        """The configuration that switches every way out on."""
        return json.dumps(
            {
                "profile": profile,
                "vehicle": {"id": self.vehicle},
                "emotion": {"safety_purpose": PURPOSE} if purpose else {},
                "gpio": {"backend": "off"},
                "zmq": {"bind": f"tcp://0.0.0.0:{self.lan}", "keys": str(self.keys.path), "send_queue": 10_000},
                "outputs": {"vehicle": "zmq", "vss": "zmq"},
                "uplink": {"brokers": [f"mqtt://127.0.0.1:{self.broker}"]},
                "metrics": {"bind": f"127.0.0.1:{self.metrics}"},
                "service": {"state_dir": str(self.folder / "state")},
            }
        )

    def private(self, profile: str) -> str:
        """The configuration of a car of one's own: no operator, and nobody else hears it."""
        return json.dumps(
            {
                "profile": profile,
                "vehicle": {"id": self.vehicle},
                "gpio": {"backend": "off"},
                "zmq": {"enabled": False},
                "service": {"state_dir": str(self.folder / "state")},
            }
        )

    def listen(self) -> None:
        """Tap ZeroMQ on this machine, and beyond it as a client with a key."""
        public, secret = zmq.curve_keypair()
        self.keys.add("depot", public.decode())

        def secure(socket: Any) -> None:
            socket.curve_publickey, socket.curve_secretkey = public, secret
            socket.curve_serverkey = self.keys.server().public.encode()

        self.taps.add("here", f"ipc://{self.folder}/alerts.sock")
        self.taps.add("beyond", f"tcp://127.0.0.1:{self.lan}", secure)
        self.taps.start()

    def drive(self, *texts: str, trace: Path | None = None, until: Callable[[], object] = lambda: True) -> Plan:
        """Drive with the configuration `texts[0]`; the others are read again in equal parts of the drive.

        `until`: what to wait for before the daemon ends. Returns the first plan.
        """
        file = self.folder / "my.yaml"
        file.write_text(texts[0])
        request = Request(file)
        setup = Setup(build.load_plan(request), trace_path=trace)
        table = with_builds(source=lambda _: self.cabin)
        systemd = StatusRecorder()
        with open_parts(setup, table) as parts:
            stamper = LiveStamper(parts.numbers.next, wall, setup.trip, "boot")
            reload = partial(finish, Reloader(request, setup, table))
            daemon = Daemon(parts, stamper, systemd, lambda: self.cabin.now, STARTED, reload)
            self.monkeypatch.setattr(self.cabin, "latest", self._driven(daemon, file, texts))
            daemon.run()
            self.classes = {type(one) for one in parts.outputs._external}  # type: ignore[attr-defined]
            self.classes |= {TraceWriter} if trace else set()
            self._scrape()
            until()
        self.sentences = systemd.sentences
        return setup.plan

    def _driven(self, daemon: Daemon, file: Path, texts: tuple[str, ...]) -> Callable[[float], Frame | None]:
        """Return the camera that asks for a reload at its times, and for a scrape each second."""
        take, part_s = self.cabin.latest, EXPRESSION_S * len(EXPRESSIONS) / len(texts)

        def latest(timeout_s: float) -> Frame | None:
            t = self.cabin.now - STARTED
            text = texts[min(int(t / part_s), len(texts) - 1)]
            if text != file.read_text():
                file.write_text(text)
                daemon.request_reload()
            if self.cabin.captured % 20 == 0:
                self._scrape()
            return take(timeout_s)

        return latest

    def _scrape(self) -> None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/metrics", timeout=5) as reply:
                self.pages.append(reply.read())
        except OSError:
            return  # no metrics in this part of the drive

    def heard(self, side: OperatorSide | None) -> list[Heard]:
        """Return what the operator heard of this car. The broker may keep statuses of another test's car."""
        return [one for one in side.heard if one.topic.startswith(f"dm/1/{self.vehicle}/")] if side else []

    def on_disk(self) -> dict[str, bytes]:
        """Return the bytes of every file that the daemon keeps."""
        return {str(path): path.read_bytes() for path in (self.folder / "state").rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a real broker. Where it is not installed, that of none: then the spool keeps all."""
    if MOSQUITTO is None:
        yield free_port()
        return
    with mosquitto(tmp_path_factory.mktemp("broker")) as running:
        yield running.port


@contextmanager
def operator(port: int) -> Iterator[OperatorSide | None]:
    if MOSQUITTO is None:
        yield None
        return
    with operator_side(port) as side:
        yield side


@pytest.fixture
def car(tmp_path: Path, broker: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Car]:
    with ExitStack() as opened:
        car = Car(tmp_path, broker, monkeypatch)
        opened.callback(car.taps.stop)
        yield car


def arrived(car: Car, side: OperatorSide | None) -> None:
    """Wait until the operator has heard of each nap, and a status."""
    if side is not None:
        side.until(lambda: sum("/alert/microsleep" in one.topic for one in car.heard(side)) >= 2 * len(EXPRESSIONS) - 1)
        side.until(lambda: any(one.topic.endswith("/status") for one in car.heard(side)))


def numbers(alerts: list[dict[str, Any]]) -> list[int]:
    return [alert["seq"] for alert in alerts]


def assert_whole(found: list[int]) -> None:
    """The numbers have no gap."""
    assert found
    assert sorted(set(found)) == list(range(min(found), max(found) + 1))


def test_ok__the_page_names_every_field_that_the_uplink_sends_of_itself() -> None:
    page = (Path(__file__).parents[1] / "docs" / "privacy.md").read_text()
    for kind, sent in (
        ("status", status_message({}, VehicleRun("v", "t", "b"), SpoolCounts(), 0.0, 0.0, True)),
        ("online", online_message("v", True, 0.0)),
    ):
        (row,) = re.findall(rf"(?m)^\| {kind}\b.*? \| (.*?) \|", page)
        assert set(re.findall(r"`(\w+)`", row)) == set(sent) - {"schema"}


def test_ok__every_output_that_is_not_local_is_tapped_here() -> None:
    assert ways_out() == set(TAPPED)


def test_fail__an_output_that_is_forgotten_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten = type("Forgotten", (Output,), {"__module__": "driver_monitor.outputs.forgotten"})
    assert forgotten in ways_out()
    forgotten.local = True
    assert forgotten not in ways_out()


def test_ok__no_byte_that_leaves_tells_what_a_face_expresses(car: Car) -> None:
    trace = car.folder / "mine.trace.jsonl.gz"
    with operator(car.broker) as side:
        car.listen()

        plan = car.drive(
            car.everything_on(str(car.folder / "own.yaml")), trace=trace, until=partial(arrived, car, side)
        )
        heard = car.heard(side)
    car.taps.stop()
    assert car.cabin.shown == set(EXPRESSIONS)
    assert plan.local_rules == frozenset(("distress", "zz_cross", "zz_behind", "zz_far_behind", "zz_chatty"))
    assert car.classes == set(TAPPED), "the drive does not switch every output on: add it to `everything_on`"
    assert all(car.taps.taken.values()), "a tap heard nothing"
    left = {
        "broker": [one.topic.encode() + one.payload for one in heard],
        "trace": gzip.decompress(trace.read_bytes()).splitlines(),
        "metrics": car.pages,
        "systemd": [sentence.encode() for sentence in car.sentences],
        **{name: [b"".join(frames) for frames in taken] for name, taken in car.taps.taken.items()},
    }
    for name, pieces in left.items():
        assert not [hit for one in pieces for hit in told(one)], name
    for path, content in car.on_disk().items():
        assert not told(content.decode("latin-1").encode()), path
    topics = {frames[0].decode() for frames in car.taps.taken["here"]}
    assert {"state/", "status/", "vehicle/dms", "vehicle/vss", "alert/microsleep/"} <= topics
    assert b'driver_monitor_alerts_total{level="warning",phase="raised",rule="microsleep"}' in car.pages[-1]


def test_ok__what_a_driver_can_see_of_what_was_sent_is_what_left_and_no_more(car: Car, command: Cli) -> None:
    with operator(car.broker) as side:
        car.drive(car.everything_on(str(car.folder / "own.yaml")), until=partial(arrived, car, side))
        left = [one.payload.decode() for one in car.heard(side) if "/alert/" in one.topic]
    table = command("sent", "--config", car.folder / "my.yaml")
    seen = command("sent", "--config", car.folder / "my.yaml", "--json").out
    assert "microsleep raised" in table.out
    assert not told(f"{table.out}{table.err}{seen}".encode())
    assert set(left) <= set(seen.splitlines())


def test_ok__the_numbers_that_leave_have_no_gap(car: Car) -> None:
    with operator(car.broker) as side:
        car.listen()
        car.drive(car.everything_on(str(car.folder / "own.yaml")), until=partial(arrived, car, side))
        at_broker = [one.message for one in car.heard(side) if "/alert/" in one.topic]
    car.taps.stop()
    for path in car.on_disk():
        assert "alert-seq" in path or Path(path).stat().st_mode & 0o077 == 0, f"{path} is for its owner only"
    beyond = [json.loads(frames[1]) for frames in car.taps.taken["beyond"] if frames[0].startswith(b"alert/")]
    assert_whole(numbers(beyond))
    if at_broker:
        assert_whole(numbers(at_broker))
        assert {alert["id"] for alert in beyond} <= {alert["id"] for alert in at_broker}


def test_ok__with_the_filter_away_the_same_search_finds_it(car: Car, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Plan, "local_rules", property(lambda _: None))
    monkeypatch.setattr(Profile, "local_rules", property(lambda _: frozenset()))
    car.drive(car.everything_on(str(car.folder / "own.yaml")))
    spool = b"".join(content for path, content in car.on_disk().items() if "spool" in path)
    assert any("anger" in hit for hit in told(spool.decode("latin-1").encode()))
    assert any("distress" in hit for hit in told(car.pages[-1]))


def test_ok__an_operator_that_comes_and_goes_on_the_way_hears_nothing_of_the_rest(
    car: Car, capfd: pytest.CaptureFixture[str]
) -> None:
    car.cabin.first = EXPRESSIONS.index("anger") - 2  # an angry driver at the moment at which the operator comes
    profile = str(car.folder / "own.yaml")
    with operator(car.broker) as side:
        if side is None:
            pytest.skip("mosquitto is not installed")
        private, at_work = car.private(profile), car.everything_on(profile)
        car.drive(private, at_work, private)
        side.until(lambda: car.heard(side)[-1].topic.endswith("/online") and b"false" in car.heard(side)[-1].payload)
        heard = car.heard(side)
    journal = capfd.readouterr().err
    ended = [line for line in journal.splitlines() if "zz_cross cleared" in line and "was read again" in line]
    assert len(ended) == 2, "an alert that rests on an expression is active at both reloads"
    assert "distress raised" in journal
    alerts = [one.message for one in heard if "/alert/" in one.topic]
    assert {alert["rule"] for alert in alerts} >= {"microsleep"}
    assert all(not told(one.topic.encode() + one.payload) for one in heard)
    assert all(not told(page) for page in car.pages)
    spool = Spool(car.folder / "state")
    waiting = [entry.seq for entry in spool.waiting(1000)]
    spool.close()
    assert_whole([*numbers(alerts), *waiting])
    left = [content for path, content in car.on_disk().items() if "spool" in path]
    assert left
    assert not [hit for content in left for hit in told(content.decode("latin-1").encode())]

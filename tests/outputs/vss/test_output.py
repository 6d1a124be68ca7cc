"""VSS goes out at each change and every second, to ZeroMQ or to a databroker, and nothing waits for either."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest

from driver_monitor.config.schema import ZmqConfig
from driver_monitor.errors import OutputError
from driver_monitor.messages.car import CarSignal
from driver_monitor.messages.vss import DISTRACTION, ERROR, EYES_ON_ROAD, PATHS, WARNING
from driver_monitor.outputs.vss import databroker
from driver_monitor.outputs.vss.output import PERIOD_S, VssOutput
from driver_monitor.outputs.zmq_publisher import ZmqPublisher
from tests.outputs.listener import listening
from tests.processes import free_port

ATTENTIVE = CarSignal("ok", "attentive")
ON_ROAD = {
    "eyes": {"state": "open"},
    "gaze": {"zone": "road"},
    "glances": {"away_s": 0.0, "total_s": 0.0, "most_s": 0.0},
    "attention": "attentive",
}
NO_FACE = {"eyes": {"state": "unknown"}, "gaze": None, "glances": {"away_s": None, "total_s": None, "most_s": 9.0}}
PATIENCE_S = 10.0


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_ok__a_change_is_told_at_once_and_the_rest_every_second(clock: Clock) -> None:
    heard: list[Any] = []
    output = VssOutput("zmq", heard.append, clock)
    output.car(ATTENTIVE)
    output.state(ON_ROAD)
    assert [len(one["unknown"]) for one in heard] == [3, 1]
    for _ in range(20):
        clock.now += 0.2
        output.car(ATTENTIVE)
        output.state(ON_ROAD)
    assert len(heard) == 2 + 4 / PERIOD_S
    output.car(CarSignal("ok", "asleep", "asleep"))
    assert heard[-1][WARNING] is True
    assert output.counters() == {"vss_faults": 0}


def test_ok__what_becomes_unknown_is_named_and_has_no_value(clock: Clock) -> None:
    heard: list[Any] = []
    output = VssOutput("zmq", heard.append, clock)
    output.car(ATTENTIVE)
    output.state(ON_ROAD)
    output.state(NO_FACE)
    assert EYES_ON_ROAD in heard[-1]["unknown"]
    assert EYES_ON_ROAD not in heard[-1]
    assert heard[-1][ERROR] is False
    output.close()
    output.close()
    assert heard[-1]["unknown"] == list(PATHS)
    assert [one["unknown"] for one in heard].count(list(PATHS)) == 1


def test_ok__a_subscriber_of_the_topic_hears_it(clock: Clock) -> None:
    publisher = ZmqPublisher(ZmqConfig(bind="tcp://127.0.0.1:*", send_queue=100))
    with listening(publisher, "vehicle/vss") as listener:
        marked = threading.Event()

        def publish(message: Any) -> None:
            publisher.vss(message)
            marked.set()

        output = VssOutput("zmq", publish, clock)
        while not listener.socket.poll(20):  # until the subscription has arrived
            clock.now += PERIOD_S
            output.state(ON_ROAD)
        topic, message = listener.next()
    publisher.close()
    assert marked.is_set()
    assert topic == "vehicle/vss"
    assert message[EYES_ON_ROAD] is True


class FakeBroker:
    """Stands for a databroker behind kuksa-client: what it holds, and how it behaves."""

    def __init__(self) -> None:
        self.holds: dict[str, Any] = {}
        self.connected = self.writes = 0
        self.fault: Exception | None = None
        self.written = threading.Semaphore(0)
        self.gate: threading.Event | None = None


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> FakeBroker:
    """Install a kuksa_client whose client writes into the fake broker."""
    fake = FakeBroker()

    class Datapoint:
        def __init__(self, value: Any = None) -> None:
            self.value = value

    class VSSClient:
        def __init__(self, host: str, port: int, ensure_startup_connection: bool = True) -> None:
            assert (host, port, ensure_startup_connection) == ("127.0.0.1", 55555, False)

        def connect(self) -> None:
            fake.connected += 1

        def set_current_values(self, updates: dict[str, Any], timeout: float) -> None:
            try:
                if fake.gate is not None:
                    fake.gate.wait(PATIENCE_S)
                if fake.fault is not None:
                    raise fake.fault
                fake.writes += 1
                fake.holds.update({path: point.value for path, point in updates.items()})
            finally:
                fake.written.release()

        def disconnect(self) -> None:
            fake.connected -= 1

    package, module = ModuleType("kuksa_client"), ModuleType("kuksa_client.grpc")
    module.VSSClient, module.Datapoint = VSSClient, Datapoint  # type: ignore[attr-defined]
    package.grpc = module  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "kuksa_client", package)
    monkeypatch.setitem(sys.modules, "kuksa_client.grpc", module)
    monkeypatch.delenv("no_grpc_proxy", raising=False)
    return fake


@contextmanager
def writing(clock: Clock) -> Iterator[VssOutput]:
    output = VssOutput("kuksa://127.0.0.1:55555", None, clock)
    yield output
    output.close()


def test_ok__a_databroker_holds_what_is_known_and_nothing_else(clock: Clock, broker: FakeBroker) -> None:
    with writing(clock) as output:
        output.state(ON_ROAD)
        assert broker.written.acquire(timeout=PATIENCE_S)
        assert broker.holds == {**dict.fromkeys(PATHS), EYES_ON_ROAD: True, DISTRACTION: 0.0}
        output.state(NO_FACE)
        assert broker.written.acquire(timeout=PATIENCE_S)
        assert broker.holds == dict.fromkeys(PATHS)
        output.car(ATTENTIVE)
        assert broker.written.acquire(timeout=PATIENCE_S)
        assert broker.holds[ERROR] is False
    assert broker.holds == dict.fromkeys(PATHS), "the daemon has ended, so nothing is known"
    assert broker.connected == 0


def test_ok__a_databroker_that_is_away_is_tried_again_and_costs_one_line(
    clock: Clock, broker: FakeBroker, caplog: pytest.LogCaptureFixture
) -> None:
    error = OSError("boom")
    error.error = {"code": 14, "message": "Connection\nrefused"}  # type: ignore[attr-defined]
    broker.fault = error
    with writing(clock) as output:
        for _ in range(3):
            output.state(ON_ROAD)
            assert broker.written.acquire(timeout=PATIENCE_S)
            output.state(NO_FACE)  # too early for another attempt
            clock.now += databroker.RETRY_S
        assert output.counters() == {"vss_faults": 3}
        assert output.failure is None
        (line,) = [r.getMessage() for r in caplog.records]
        assert line.startswith("outputs.vss: kuksa://127.0.0.1:55555: Connection refused; check that a databroker")
        broker.fault = None
        clock.now += databroker.RETRY_S
        output.state(ON_ROAD)
        assert broker.written.acquire(timeout=PATIENCE_S)
        assert broker.holds[EYES_ON_ROAD] is True


def test_ok__a_databroker_that_hangs_delays_nothing_and_gets_the_newest(clock: Clock, broker: FakeBroker) -> None:
    broker.gate = threading.Event()
    with writing(clock) as output:
        for number in range(1000):
            clock.now += PERIOD_S
            output.state(NO_FACE if number % 2 else ON_ROAD)
        output.car(CarSignal("ok", "asleep", "asleep"))
        broker.gate.set()
        assert broker.written.acquire(timeout=PATIENCE_S)
        assert broker.written.acquire(timeout=PATIENCE_S)
        assert broker.writes <= 3
        assert broker.holds[WARNING] is True


def test_ok__no_proxy_leads_the_connection_off_this_machine(clock: Clock, broker: FakeBroker) -> None:
    with writing(clock):
        assert os.environ["no_grpc_proxy"] == "127.0.0.1"  # noqa: SIM112


def test_fail__without_the_client_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kuksa_client", None)
    with pytest.raises(OutputError, match=r"pip install 'driver-monitor\[vss\]'"):
        VssOutput("kuksa://127.0.0.1:55555", None)


class Servicer:
    """A small databroker that speaks the protocol of a real one: kuksa.val.v1 for types, v2 or v1 for values."""

    def __init__(self, v2: bool) -> None:
        from kuksa.val.v1 import types_pb2, val_pb2

        self.v1, self.types, self.v2 = val_pb2, types_pb2, v2
        self.holds: dict[str, Any] = {}
        self.written = threading.Semaphore(0)

    def Get(self, request: Any, _: Any) -> Any:  # noqa: N802
        kind = {True: self.types.DATA_TYPE_FLOAT, False: self.types.DATA_TYPE_BOOLEAN}
        entries = [
            self.types.DataEntry(
                path=one.path, metadata=self.types.Metadata(data_type=kind[one.path.endswith("Level")])
            )
            for one in request.entries
        ]
        return self.v1.GetResponse(entries=entries)

    def Set(self, request: Any, _: Any) -> Any:  # noqa: N802
        for update in request.updates:
            self._keep(update.entry.path, update.entry.value, update.entry.value.WhichOneof("value"))
        return self.v1.SetResponse()

    def PublishValue(self, request: Any, context: Any) -> Any:  # noqa: N802
        import grpc
        from kuksa.val.v2 import val_pb2

        if not self.v2:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "an old databroker")
        value = request.data_point.value
        self._keep(request.signal_id.path, value, value.WhichOneof("typed_value"))
        return val_pb2.PublishValueResponse()

    def await_values(self, values: dict[str, Any]) -> None:
        """Wait until it holds `values`; through v1 the client writes all values once for each of them."""
        while self.holds != values:
            assert self.written.acquire(timeout=PATIENCE_S), self.holds

    def _keep(self, path: str, value: Any, kind: str | None) -> None:
        self.holds[path] = None if kind is None else getattr(value, kind)
        if path == PATHS[-1]:
            self.written.release()


@contextmanager
def serving(port: int, v2: bool) -> Iterator[Servicer]:
    from concurrent.futures import ThreadPoolExecutor

    import grpc
    from kuksa.val.v1 import val_pb2_grpc as v1
    from kuksa.val.v2 import val_pb2_grpc as v2_grpc

    pool, servicer = ThreadPoolExecutor(2), Servicer(v2)
    server = grpc.server(pool)
    v1.add_VALServicer_to_server(_with(v1.VALServicer, servicer, "Get", "Set"), server)
    v2_grpc.add_VALServicer_to_server(_with(v2_grpc.VALServicer, servicer, "PublishValue"), server)
    assert server.add_insecure_port(f"127.0.0.1:{port}") == port
    server.start()
    yield servicer
    server.stop(None).wait()
    pool.shutdown()


def _with(base: type, servicer: Servicer, *methods: str) -> Any:
    calls: dict[str, Callable[..., Any]] = {name: getattr(servicer, name) for name in methods}
    return type("Served", (base,), {name: staticmethod(call) for name, call in calls.items()})()


@pytest.mark.parametrize("v2", [True, False])
def test_ok__the_real_client_writes_removes_and_comes_back(
    clock: Clock, v2: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("kuksa_client.grpc", reason="kuksa-client is not installed (the extra vss)")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    port = free_port()
    output = VssOutput(f"kuksa://127.0.0.1:{port}", None, clock)
    with serving(port, v2) as first:
        output.state(ON_ROAD)
        first.await_values({**dict.fromkeys(PATHS), EYES_ON_ROAD: True, DISTRACTION: 0.0})
        output.state(NO_FACE)
        first.await_values(dict.fromkeys(PATHS))
    output.state(ON_ROAD)
    with serving(port, v2) as second:
        for _ in range(100):
            clock.now += databroker.RETRY_S
            output.state(ON_ROAD)
            if second.written.acquire(timeout=0.1):
                break
        second.await_values({**dict.fromkeys(PATHS), EYES_ON_ROAD: True, DISTRACTION: 0.0})
        output.close()
        second.await_values(dict.fromkeys(PATHS))
    assert output.counters()["vss_faults"] >= 1

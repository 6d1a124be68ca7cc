"""Simulated vehicles at a real broker, with a stand-in for the operator: all alerts arrive, whatever happens."""

from __future__ import annotations

import gc
import json
import signal
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from driver_monitor.fleet.simulate.account import Account
from driver_monitor.fleet.simulate.poller import Poller
from driver_monitor.fleet.simulate.simulation import Scenario, Simulation
from driver_monitor.mqtt.broker import parse_broker
from driver_monitor.mqtt.client import ClientSettings, build_client, connect
from driver_monitor.mqtt.login import Login
from tests.conftest import PROGRAM, Cli
from tests.fleet.services import Mosquitto, mosquitto, needs_mosquitto
from tests.outputs.uplink.operator_side import OperatorSide, operator_side
from tests.processes import PATIENCE_S

pytestmark = needs_mosquitto


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path_factory.mktemp("broker")) as running:
        yield running


def scenario(broker: Mosquitto, prefix: str, folder: Path | None, **more: object) -> Scenario:
    settings = {"vehicles": 20, "rate": 300.0, "alerts": 200, "drain_s": 30.0, "prefix": prefix, **more}
    return Scenario(broker=parse_broker(f"mqtt://127.0.0.1:{broker.port}"), login=Login(), folder=folder, **settings)  # type: ignore[arg-type]


def run(one: Scenario, stop_at: int | None = None) -> tuple[Account, dict[str, bytes]]:
    """Run it to its end; returns the account and the bytes of each alert that was in a spool, by id."""
    bodies: dict[str, bytes] = {}
    simulation = Simulation(one, lambda _, entry: bodies.update({entry.id: entry.body}))
    simulation.run(lambda: stop_at is not None and simulation.account.alerts >= stop_at, lambda _: None)
    simulation.close()
    return simulation.account, bodies


def numbers(operator: OperatorSide, prefix: str) -> dict[str, list[int]]:
    """The numbers of each vehicle, in order, each once."""
    found = defaultdict[str, set[int]](set)
    for one in operator.alerts():
        if one.message["vehicle"].startswith(prefix):
            found[one.message["vehicle"]].add(one.message["seq"])
    return {vehicle: sorted(seqs) for vehicle, seqs in found.items()}


def test_ok__each_alert_arrives_byte_for_byte_with_numbers_without_holes(broker: Mosquitto, tmp_path: Path) -> None:
    with operator_side(broker.port) as operator:
        account, bodies = run(scenario(broker, "plain", tmp_path))
        heard = {one.message["id"]: one.payload for one in operator.alerts()}
    assert heard == bodies
    assert (account.alerts, account.confirmed, account.waiting) == (200, 200, 0)
    assert all(seqs == list(range(1, len(seqs) + 1)) for seqs in numbers(operator, "plain").values())
    assert account.latency.percentile(0.5) is not None


def test_ok__the_numbers_of_a_second_run_continue_in_its_folder(broker: Mosquitto, tmp_path: Path) -> None:
    with operator_side(broker.port) as operator:
        for seed in (1, 2):
            run(scenario(broker, "again", tmp_path, vehicles=10, alerts=40, seed=seed))
    assert sum(map(len, numbers(operator, "again").values())) == 80
    assert all(seqs == list(range(1, len(seqs) + 1)) for seqs in numbers(operator, "again").values())


def test_ok__power_cuts_and_lost_networks_lose_nothing_and_are_explained(broker: Mosquitto, tmp_path: Path) -> None:
    with operator_side(broker.port) as operator:
        account, bodies = run(scenario(broker, "cut", tmp_path, power_cuts=10, offline=0.2, offline_s=1.0))
        assert {one.message["id"] for one in operator.alerts()} == bodies.keys()
        assert (account.power_cuts, account.waiting) == (10, 0)
        assert account.offline > 0
        # The last status of a vehicle leaves with its farewell, so it may still be on its way.
        operator.until(lambda: unexplained(operator) == set())


def unexplained(operator: OperatorSide) -> set[tuple[str, int]]:
    """The numbers that are missing, and of which the last status of their vehicle says nothing."""
    found = set()
    for vehicle, seqs in numbers(operator, "cut").items():
        told = operator_status(operator, vehicle)
        absent = {number for first, last, _ in told for number in range(first, last + 1)}
        found |= {(vehicle, number) for number in {*range(seqs[0], seqs[-1])} - {*seqs} - absent}
    return found


def operator_status(operator: OperatorSide, vehicle: str) -> list[tuple[int, int, str]]:
    """The numbers that never come, in the last status of a vehicle."""
    heard = [one.message for one in operator.heard if one.topic == f"dm/1/{vehicle}/status"]
    return list(heard[-1]["spool"]["absent"])


def test_ok__a_broker_that_was_killed_gets_everything_again(broker: Mosquitto, tmp_path: Path) -> None:
    """Nobody answers before the kill: what the broker held is gone, and the vehicles have it still."""
    with operator_side(broker.port, answers=False) as deaf:
        one = scenario(broker, "kill", tmp_path, alerts=100)
        bodies: dict[str, bytes] = {}
        simulation = Simulation(one, lambda _, entry: bodies.update({entry.id: entry.body}))
        simulation.run(lambda: simulation.account.alerts >= 100 and simulation.account.sent >= 100, lambda _: None)
        assert simulation.account.confirmed == 0
    del deaf
    broker.kill()
    broker.start()
    with operator_side(broker.port) as operator:
        assert simulation.run(lambda: False, lambda _: None)
        simulation.close()
        assert {heard.message["id"] for heard in operator.alerts()} >= bodies.keys()
    assert simulation.account.resent >= 100


def test_ok__a_client_that_outlives_the_poller_closes_without_a_word(broker: Mosquitto) -> None:
    """An exception in its destructor would fail this test."""
    poller, address = Poller(), parse_broker(f"mqtt://127.0.0.1:{broker.port}")
    client = build_client(address, Login(), ClientSettings("late"))
    poller.adopt(client)
    connect(client, address, ClientSettings("late"))
    client.publish("dm/1/late/status", b"{}")
    assert poller.open == 1
    poller.close()
    del client
    gc.collect()
    assert poller.open == 0


def test_ok__vehicles_say_that_they_are_there_how_they_are_and_that_they_leave(broker: Mosquitto) -> None:
    with operator_side(broker.port) as operator:
        run(scenario(broker, "told", None, vehicles=3, alerts=9))
        names = [f"told-0000{number}" for number in range(3)]
        gone = {f"dm/1/{name}/online" for name in names}
        operator.until(
            lambda: gone <= {one.topic for one in operator.heard if one.topic in gone and not one.message["online"]}
        )
        for name in names:
            about = [one.message for one in operator.heard if one.topic == f"dm/1/{name}/online"]
            assert about[0]["online"]
            status = [one.message for one in operator.heard if one.topic == f"dm/1/{name}/status"]
            assert status[-1]["spool"]["waiting"] == 0
            assert status[-1]["vehicle"] == name


def test_ok__the_verb_ends_with_an_account_and_a_record(broker: Mosquitto, command: Cli, tmp_path: Path) -> None:
    with operator_side(broker.port):
        where = (
            "--broker",
            f"mqtt://127.0.0.1:{broker.port}",
            "--folder",
            tmp_path / "cars",
            "--record",
            tmp_path / "r",
        )
        done = command("fleet", "simulate", "--vehicles", 4, "--alerts", 20, "--rate", 200, "--json", *where)
    assert (done.code, json.loads(done.out)["confirmed"]) == (0, 20), done.err
    lines = [json.loads(line) for line in (tmp_path / "r").read_text().splitlines()]
    assert len({line["id"] for line in lines}) == 20
    assert sorted(path.name for path in (tmp_path / "cars").iterdir()) == [f"sim-0000{number}" for number in range(4)]


def test_fail__without_a_collector_the_verb_says_what_waits(broker: Mosquitto, command: Cli) -> None:
    where = ("--broker", f"mqtt://127.0.0.1:{broker.port}", "--memory", "--drain-s", 0.2)
    done = command("fleet", "simulate", "--vehicles", 2, "--alerts", 3, "--rate", 100, *where)
    assert done.code == 1
    assert "3 alerts are not stored 0.2 s after the drives; check that `fleet collect` runs" in done.err


def test_fail__options_that_cannot_work_together_are_refused(command: Cli) -> None:
    for options in (["--memory", "--seconds", 9], [], ["--vehicles", 2, "--alerts", 9]):
        done = command("fleet", "simulate", "--power-cuts", 3, *options)
        assert done.code == 2
        assert "--power-cuts" in done.err


def test_ok__ctrl_c_ends_it_with_an_account(broker: Mosquitto) -> None:
    options = ("--memory", "--vehicles", "3", "--rate", "50", "--prefix", "stopped")
    program = [*PROGRAM, "fleet", "simulate", "--broker", f"mqtt://127.0.0.1:{broker.port}", *options]
    pipe = subprocess.PIPE
    with (
        operator_side(broker.port) as operator,
        subprocess.Popen(program, stdout=pipe, stderr=pipe, text=True) as process,
    ):
        operator.until(lambda: any("/stopped-" in one.topic for one in operator.alerts()))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert "of 3 vehicles connected" in out

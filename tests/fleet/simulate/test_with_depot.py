"""The whole way with TLS: enrolled vehicles, the broker as `fleet enrol` configures it, a real collector, a table."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

from driver_monitor.fleet.enrol import depot as enrol
from tests.conftest import PROGRAM, Cli
from tests.fleet.enrol import brokers
from tests.fleet.services import needs_mosquitto
from tests.outputs.uplink.operator_side import wait_until
from tests.processes import PATIENCE_S

NAMES = [f"sim-0000{number}" for number in range(3)]


def depot_with(folder: Path, names: list[str]) -> Path:
    now = datetime.now(timezone.utc).replace(microsecond=0)
    enrol.make_depot(folder, now, None)
    with enrol.open_depot(folder, str, now) as depot:
        depot.enrol(names, ["localhost"], 100)
    return folder


@needs_mosquitto
def test_ok__each_vehicle_sends_with_its_own_certificate_into_the_table(command: Cli, tmp_path: Path) -> None:
    depot = depot_with(tmp_path / "depot", NAMES)
    broker, store = brokers.DepotBroker(tmp_path / "broker", depot / "broker"), tmp_path / "fleet.db"
    own = depot / "operator"
    login = [f"--{name}={own / name}.pem" for name in ("ca", "certificate", "key")]
    inside = ["--broker", f"mqtts://localhost:{broker.operator_port}", *login]
    collector = subprocess.Popen([*PROGRAM, "fleet", "collect", *inside, "--store", str(store)])
    try:
        wait_until(lambda: "SUBSCRIBE" in broker.log())  # what is sent before is lost, and sent again after a minute
        where = ("--broker", f"mqtts://localhost:{broker.port}", "--depot", depot, "--folder", tmp_path / "cars")
        done = command(
            "fleet", "simulate", "--vehicles", 3, "--alerts", 12, "--rate", 50, *where, "--drain-s", PATIENCE_S
        )
    finally:
        collector.terminate()
        collector.wait()
        broker.stop()
    assert done.code == 0, done.err
    with closing(sqlite3.connect(store)) as database:
        assert database.execute("SELECT count(*) FROM alert").fetchone() == (12,)
        assert {name for (name,) in database.execute("SELECT vehicle FROM vehicle")} == set(NAMES)


def test_fail__a_vehicle_without_a_certificate_is_named(command: Cli, tmp_path: Path) -> None:
    depot = depot_with(tmp_path / "depot", NAMES[:1])
    done = command("fleet", "simulate", "--vehicles", 3, "--depot", depot, "--broker", "mqtts://localhost")
    assert done.code == 2
    assert "2 vehicles have no certificate there, such as sim-00001; make them with" in done.err

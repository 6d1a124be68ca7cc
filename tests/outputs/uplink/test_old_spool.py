"""After the uplink was switched off, the car still forgets what was sent when its days are over."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from driver_monitor.app import build
from driver_monitor.app.build import Request
from driver_monitor.app.process.clock import boot_id
from driver_monitor.config.sections.uplink import UplinkConfig
from driver_monitor.outputs.uplink.old_spool import OldSpool
from driver_monitor.outputs.uplink.status import DrivingTime, VehicleRun
from driver_monitor.spool.history import read_history
from tests.outputs.uplink.operator_side import wait_until
from tests.spool.cars import DAY_S, Clocks, alert, parked

DAYS = UplinkConfig(spool_days=60, sent_days=30)


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def folder(tmp_path: Path, clocks: Clocks) -> Path:
    """A car that has sent one alert and not a second one."""
    with closing(parked(tmp_path, clocks)) as spool:
        spool.put(alert(1))
        spool.put(alert(2))
        spool.confirm([alert(1).id])
    return tmp_path


def seqs(folder: Path) -> list[int]:
    return [int(entry.body.split(b'"seq":')[1].split(b",")[0]) for entry in read_history(folder)]


def test_ok__what_was_sent_is_forgotten_after_its_days_and_what_waits_after_its_own(
    folder: Path, clocks: Clocks
) -> None:
    with closing(OldSpool(DAYS, folder, look_s=0.001, clocks=(clocks.monotonic, clocks.wall))):
        wait_until(lambda: seqs(folder) == [1, 2])
        clocks.true_s += 31 * DAY_S
        wait_until(lambda: seqs(folder) == [2])
        clocks.true_s += 30 * DAY_S
        wait_until(lambda: seqs(folder) == [])


def test_ok__a_daemon_without_an_uplink_looks_after_an_old_spool_and_makes_no_new_one(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for state_dir, names in ((folder, ["old-spool"]), (tmp_path_factory.mktemp("new"), [])):
        config = state_dir / "config.yaml"
        config.write_text(f"zmq: {{enabled: false}}\ngpio: {{backend: mock}}\nservice: {{state_dir: {state_dir}}}")
        run = VehicleRun("van-12", "trip", boot_id())
        with closing(build.build_outputs(build.load_plan(Request(config)), None, run, DrivingTime())) as outputs:
            found = [one._worker.thread.name for one in outputs._outputs if isinstance(one, OldSpool) and one._worker]
            assert found == names
        assert (state_dir / "spool.sqlite").exists() == bool(names)

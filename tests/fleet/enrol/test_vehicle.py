"""A vehicle's real uplink with the files of its depot: alerts arrive, and survive revocation and renewal."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

import pytest

from driver_monitor.config.sections.uplink import UplinkConfig
from driver_monitor.fleet.enrol.depot import make_depot, open_depot
from driver_monitor.mqtt import topics
from driver_monitor.outputs.uplink.output import UplinkOutput
from driver_monitor.outputs.uplink.status import DrivingTime, VehicleRun
from tests.fleet.enrol.brokers import DepotBroker, Visitor, files
from tests.fleet.services import needs_mosquitto
from tests.outputs.uplink.cars import SOON, alert, count
from tests.outputs.uplink.operator_side import wait_until

pytestmark = needs_mosquitto
VAN = "van-12"
NOW = datetime.now(timezone.utc).replace(microsecond=0)


class Site:
    """A depot with one vehicle, its broker, and a folder with what was copied to the vehicle."""

    def __init__(self, folder: Path) -> None:
        self.depot, self.files, self.car = folder / "depot", folder / "uplink", folder / "car"
        make_depot(self.depot, NOW, None)
        with open_depot(self.depot, str, NOW) as depot:
            depot.enrol([VAN], ["localhost"], 100)
        self.copy()
        self.broker = DepotBroker(folder / "mosquitto", self.depot / "broker")

    def copy(self) -> None:
        shutil.copytree(self.depot / "vehicles" / VAN, self.files, dirs_exist_ok=True)

    def new_list(self) -> None:
        self.broker.install()
        self.broker.restart()

    @contextmanager
    def uplink(self) -> Iterator[UplinkOutput]:
        paths = {key: self.files / f"{key}.pem" for key in ("ca", "certificate", "key")}
        config = UplinkConfig.model_validate({"brokers": [f"mqtts://localhost:{self.broker.port}"], **paths})
        output = UplinkOutput(config, self.car, VehicleRun(VAN, "trip-1", "boot-1"), DrivingTime(), SOON)
        output.state({})  # the daemon runs
        try:
            yield output
        finally:
            output.close()

    def operator(self) -> Visitor:
        """A collector that says of each alert that it is stored."""
        login = files(self.depot / "operator")
        visitor = Visitor(login, self.broker.operator_port, "collector")
        assert visitor.refused is None
        visitor.subscribe(topics.shared(topics.EACH_ALERT, login.share_group()))
        return visitor


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"))
    yield made
    made.broker.process.kill()
    made.broker.process.communicate()


def store(operator: Visitor, number: int) -> None:
    """Wait for an alert and say that it is stored."""
    wanted = alert(number)["id"]
    operator.until(lambda: any(json.loads(payload)["id"] == wanted for _, payload in operator.heard))
    operator.publish(topics.stored(VAN), json.dumps([wanted]).encode())


def test_ok__alerts_wait_while_a_vehicle_is_revoked_and_arrive_with_its_new_certificate(site: Site) -> None:
    operator = site.operator()
    with site.uplink() as output:
        output.alert(alert(1))
        store(operator, 1)
        wait_until(lambda: count(output, "waiting") == 0)
        with open_depot(site.depot, str, NOW) as depot:
            depot.revoke([VAN])
        site.new_list()
        wait_until(lambda: count(output, "connected") == 0)
        output.alert(alert(2))
        wait_until(lambda: site.broker.log().count("certificate verify failed") > 0)
        assert count(output, "waiting") == 1
        assert count(output, "connected") == 0
        with open_depot(site.depot, str, NOW) as depot:
            depot.renew([VAN], 100)
        site.copy()
        operator = site.operator()
        store(operator, 2)  # the daemon reads the new files by itself
        wait_until(lambda: count(output, "waiting") == 0)


def test_ok__what_was_stored_while_a_vehicle_was_away_is_told_when_it_comes_back(site: Site) -> None:
    """The broker keeps the session of the certificate's name, whatever the client id."""
    operator = site.operator()
    with site.uplink() as output:
        output.alert(alert(3))
        wanted = alert(3)["id"]
        operator.until(lambda: any(json.loads(payload)["id"] == wanted for _, payload in operator.heard))
    operator.publish(topics.stored(VAN), json.dumps([wanted]).encode())
    with site.uplink() as output:
        wait_until(lambda: count(output, "waiting") == 0)

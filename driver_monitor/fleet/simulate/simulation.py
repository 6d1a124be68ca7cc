"""Runs simulated vehicles: when they alert, lose the network and lose their power, until all is stored."""

from __future__ import annotations

import heapq
import itertools
import math
import random
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from driver_monitor.errors import UsageError
from driver_monitor.fleet.simulate.account import Account
from driver_monitor.fleet.simulate.link import Network
from driver_monitor.fleet.simulate.logins import check_depot, depot_logins, same_login
from driver_monitor.fleet.simulate.poller import Poller
from driver_monitor.fleet.simulate.vehicle import SimulatedVehicle, Surroundings
from driver_monitor.mqtt.broker import Broker
from driver_monitor.mqtt.login import Login
from driver_monitor.spool.entry import SpoolEntry

CONNECTS_S = 500.0
"""Most vehicles that connect in a second at the start (ours): a broker needs its time for each."""
FILES_EACH, FILES_MORE = 5, 64
"""Open files of a vehicle with a spool on disk (socket, folder, database, log, index), and of the process."""
MOST_AT_ONCE = 10
"""Most alerts between two looks at the network, when the machine is too slow for `rate` (ours)."""
WAIT_S = 0.1
"""Longest wait for the network."""
CUTS = (0.05, 0.95)
"""Part of the drives in which power is cut (ours)."""
CONNECT_S = 600.0
"""Longest wait at the start until all vehicles are connected (ours)."""
NOBODY_S = 10.0
"""Longest wait at the start for the first of them: where no broker is, all the others wait in vain (ours)."""
FAREWELL_S = 5.0
"""Longest wait at the end until all farewells are sent (ours)."""
TRIES = 8
"""Vehicles that are asked for an alert, until one drives (ours)."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens. `login`: of all vehicles. `depot`: folder with a certificate for each instead (`fleet enrol`).

    `folder`: of the spools, one folder for each vehicle; None: in memory.

    `rate`: alerts a second of all vehicles together. `seconds`, `alerts`: what ends the drives; both None: only a
    stop. `offline`: share of the time in which a vehicle has no network, `offline_s` each time on average.
    `power_cuts`: how many vehicles lose their power in the run. `drain_s`: longest wait after the drives until all is
    stored. `prefix`: first part of the names.
    """

    vehicles: int
    broker: Broker
    login: Login
    depot: Path | None = None
    folder: Path | None = None
    rate: float = 1.0
    seconds: float | None = None
    alerts: int | None = None
    offline: float = 0.0
    offline_s: float = 60.0
    power_cuts: int = 0
    drain_s: float = 300.0
    seed: int = 0
    prefix: str = "sim"

    def name(self, number: int) -> str:
        """Return the name of a vehicle, counted from 0."""
        return f"{self.prefix}-{number:05}"


class Simulation:
    """Vehicles in one process, in one thread. `record`: gets each alert that is in a spool, with its vehicle."""

    def __init__(self, scenario: Scenario, record: Callable[[str, SpoolEntry], None] = lambda _, __: None) -> None:
        self.account = Account(vehicles=scenario.vehicles)
        self._scenario, self._chance = scenario, random.Random(scenario.seed)
        self._poller = Poller()
        self._due: list[tuple[float, int, SimulatedVehicle]] = []
        self._planned: dict[SimulatedVehicle, float] = {}
        self._order = itertools.count()
        if scenario.depot is None:
            login = same_login(scenario.broker, scenario.login)
        else:
            check_depot(scenario.depot, [scenario.name(number) for number in range(scenario.vehicles)])
            login = depot_logins(scenario.depot)
        network = Network(self._poller, scenario.broker, login)
        self._start = time.monotonic()
        shared = Surroundings(network, self.account, time.monotonic, time.time, record, self._wake)
        self._vehicles = [self._make(number, shared) for number in range(scenario.vehicles)]

    def run(self, stop: Callable[[], bool], progress: Callable[[Account], None]) -> bool:
        """Run until the drives have ended and all is stored, or `stop`. Returns whether nothing waits.

        `progress` is called several times a second.
        """
        if not self.account.connections:
            self._start = time.monotonic()
            for number, vehicle in enumerate(self._vehicles):
                vehicle.begin(self._start + number / CONNECTS_S)
        end = self._start + NOBODY_S
        while self.account.connected < len(self._vehicles) and not self._over(stop, progress, end):
            self._serve(WAIT_S)
            end = self._start + (CONNECT_S if self.account.connections else NOBODY_S)
        if not self.account.connections:
            return False
        self._drive(stop, progress)
        for vehicle in self._vehicles:
            vehicle.come_back(len(self._vehicles) / CONNECTS_S)
        end = time.monotonic() + self._scenario.drain_s
        while not self._over(stop, progress, end) and self.account.waiting > 0:
            self._serve(WAIT_S)
        return self.account.waiting == 0

    def close(self) -> None:
        """End all connections in peace, and close the spools."""
        for vehicle in self._vehicles:
            vehicle.end()
        end = time.monotonic() + FAREWELL_S
        while self._poller.open and time.monotonic() < end:
            self._poller.serve(WAIT_S)
        self._poller.close()

    def _drive(self, stop: Callable[[], bool], progress: Callable[[Account], None]) -> None:
        """Raise alerts and let things happen until the drives are over."""
        started = next_alert = time.monotonic()
        seconds, most = self._scenario.seconds, self._scenario.alerts
        end = math.inf if seconds is None else started + seconds
        cuts, dead_spots = self._power_cuts(), self._dead_spots(started)
        cut, dead_spot = next(cuts, None), next(dead_spots, None)
        while not self._over(stop, progress, end) and (most is None or self.account.alerts < most):
            now = time.monotonic()
            for _ in range(MOST_AT_ONCE):
                share = max((now - started) / (seconds or math.inf), self.account.alerts / (most or math.inf))
                while cut is not None and cut[0] <= share:
                    cut[1].cut_power()
                    cut = next(cuts, None)
                if now < next_alert or self.account.alerts == most:
                    break
                self._alert()
                next_alert += self._chance.expovariate(self._scenario.rate)
            while dead_spot is not None and dead_spot[0] <= now:
                dead_spot[1].lose_network(dead_spot[2])
                dead_spot = next(dead_spots, None)
            self._serve(min(WAIT_S, next_alert - now))

    def _alert(self) -> None:
        for _ in range(TRIES):
            if self._chance.choice(self._vehicles).alert():
                return

    def _power_cuts(self) -> Iterator[tuple[float, SimulatedVehicle]]:
        """Yield vehicles that lose their power, each with the share of the drives that is over then."""
        victims = self._chance.sample(self._vehicles, self._scenario.power_cuts)
        yield from zip(sorted(self._chance.uniform(*CUTS) for _ in victims), victims, strict=True)

    def _dead_spots(self, start: float) -> Iterator[tuple[float, SimulatedVehicle, float]]:
        """Yield vehicles that lose the network: when, and for how many seconds."""
        at, scenario = start, self._scenario
        while scenario.offline:
            at += self._chance.expovariate(len(self._vehicles) * scenario.offline / scenario.offline_s)
            yield at, self._chance.choice(self._vehicles), self._chance.expovariate(1 / scenario.offline_s)

    def _serve(self, wait_s: float) -> None:
        """Serve the network, and every vehicle that is due."""
        now = time.monotonic()
        while self._due and self._due[0][0] <= now:
            at, _, vehicle = heapq.heappop(self._due)
            if self._planned.get(vehicle) == at:  # else it has asked for another time since
                del self._planned[vehicle]
                vehicle.tick()
        first = self._due[0][0] if self._due else now + wait_s
        self._poller.serve(min(wait_s, first - time.monotonic()))

    def _wake(self, vehicle: SimulatedVehicle, at: float) -> None:
        if self._planned.get(vehicle) != at:
            self._planned[vehicle] = at
            heapq.heappush(self._due, (at, next(self._order), vehicle))

    def _over(self, stop: Callable[[], bool], progress: Callable[[Account], None], end: float) -> bool:
        usage, account = resource.getrusage(resource.RUSAGE_SELF), self.account
        account.seconds = time.monotonic() - self._start
        account.cpu_s, account.memory_mb = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
        progress(account)
        return stop() or time.monotonic() >= end

    def _make(self, number: int, shared: Surroundings) -> SimulatedVehicle:
        name = self._scenario.name(number)
        folder = None if self._scenario.folder is None else self._scenario.folder / name
        chance = random.Random(self._chance.random())
        return SimulatedVehicle(name, shared, folder, chance)


def allow_files(scenario: Scenario) -> None:
    """Allow this process as many open files as the vehicles need. Raises `UsageError`."""
    wanted = scenario.vehicles * (1 if scenario.folder is None else FILES_EACH) + FILES_MORE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted or soft == resource.RLIM_INFINITY:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, hard)))
    except (ValueError, OSError):
        raise UsageError(
            f"{scenario.vehicles} vehicles need {wanted} open files, and {hard} are allowed; as root, call"
            f" `ulimit -n {wanted}` first"
        ) from None

"""`driver-monitor fleet simulate`: thousands of simulated vehicles, to try out and to size a broker and a store."""

from __future__ import annotations

import json
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from driver_monitor.cli.fleet import options
from driver_monitor.cli.fleet.options import (
    DEFAULT_BROKER,
    BrokerOption,
    CaOption,
    CertificateOption,
    KeyOption,
    PasswordFileOption,
    UserOption,
)
from driver_monitor.cli.options import JsonOption, OptionalInteger, OptionalNumber, OptionalPath, number, print_json
from driver_monitor.errors import DriverMonitorError, OutputError, UsageError

if TYPE_CHECKING:
    from driver_monitor.fleet.simulate.account import Account
    from driver_monitor.spool.entry import SpoolEntry

PROGRESS_S = 5.0
"""Time between two lines of progress (ours)."""
FOLDER = Path("simulated-vehicles")
Record = Callable[[str, "SpoolEntry"], None]


def simulate(
    vehicles: Annotated[int, number(int, 1, 100_000, "Number of vehicles.")] = 10,
    rate: Annotated[float, number(float, 0.001, 100_000, "Alerts a second of all vehicles together.")] = 1.0,
    seconds: Annotated[OptionalNumber, number(float, 0.1, 1e7, "End the drives after so many seconds.")] = None,
    alerts: Annotated[OptionalInteger, number(int, 1, 10**9, "End the drives after so many alerts.")] = None,
    offline: Annotated[float, number(float, 0, 0.9, "Share of the time without a network.")] = 0.0,
    offline_s: Annotated[float, number(float, 1, 1e6, "Average length of a time without a network.")] = 60.0,
    power_cuts: Annotated[int, number(int, 0, 100_000, "Vehicles that lose their power during the drives.")] = 0,
    drain_s: Annotated[float, number(float, 0, 1e6, "Longest wait after the drives, until all is stored.")] = 300.0,
    seed: Annotated[int, number(int, 0, 2**31, "Another number gives other drives.")] = 0,
    prefix: Annotated[str, typer.Option(help="First part of the names of the vehicles.")] = "sim",
    folder: Annotated[
        Path, typer.Option(help="Where the vehicles keep their spools. Numbers continue there.")
    ] = FOLDER,
    memory: Annotated[
        bool, typer.Option("--memory", help="Keep alerts in memory: more vehicles, no power cuts.")
    ] = False,
    record: Annotated[OptionalPath, typer.Option(help="File for a JSON line of each alert that is in a spool.")] = None,
    as_json: JsonOption = False,
    broker: BrokerOption = DEFAULT_BROKER,
    ca: CaOption = None,
    certificate: CertificateOption = None,
    key: KeyOption = None,
    depot: Annotated[
        OptionalPath, typer.Option(help="Depot with a certificate for each vehicle, instead of --certificate.")
    ] = None,
    user: UserOption = None,
    password_file: PasswordFileOption = None,
) -> None:
    """Simulate vehicles that send alerts to a broker, until all is stored. Ctrl-C ends it at once."""
    from driver_monitor.fleet.simulate.simulation import Scenario, Simulation, allow_files

    if power_cuts and (memory or (seconds is None and alerts is None)):
        raise UsageError("--power-cuts needs --seconds or --alerts, and spools on disk (no --memory)")
    if power_cuts > vehicles:
        raise UsageError(f"--power-cuts {power_cuts}: there are {vehicles} vehicles, and each loses its power once")
    scenario = Scenario(
        vehicles,
        options.broker(broker),
        options.login(ca, certificate, key, user, password_file),
        depot=depot,
        folder=None if memory else folder,
        rate=rate,
        seconds=seconds,
        alerts=alerts,
        offline=offline,
        offline_s=offline_s,
        power_cuts=power_cuts,
        drain_s=drain_s,
        seed=seed,
        # Numbers start again at 1: names of an earlier run would have them twice.
        prefix=f"{prefix}-{secrets.token_hex(2)}" if memory and depot is None else prefix,
    )
    allow_files(scenario)
    with _recorder(record) as write, _interrupted() as stop:
        simulation = Simulation(scenario, write)
        try:
            complete = simulation.run(stop, _progress())
        finally:
            simulation.close()
    account = simulation.account
    if as_json:
        print_json(account.to_json())
    else:
        print(account.line())
    if not complete and not stop():
        raise DriverMonitorError(_why(account, drain_s))


def _why(account: Account, drain_s: float) -> str:
    if account.connections == 0:
        return "no vehicle could connect; check that a broker runs at --broker, and the login"
    waited = f"{account.waiting} alerts are not stored {drain_s:g} s after the drives"
    return f"{waited}; check that `fleet collect` runs at this broker, and its store"


def _progress() -> Callable[[Account], None]:
    """Return a function that prints the account to stderr from time to time."""
    console, last = Console(stderr=True), time.monotonic()

    def show(account: Account) -> None:
        nonlocal last
        if (now := time.monotonic()) - last >= PROGRESS_S:
            last = now
            console.print(account.line(), highlight=False, soft_wrap=True)

    return show


@contextmanager
def _interrupted() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether Ctrl-C was pressed. A second one interrupts whatever runs."""
    pressed: list[int] = []

    def press(signum: int, frame: object) -> None:
        del frame
        if pressed:
            raise KeyboardInterrupt
        pressed.append(signum)

    before = signal.signal(signal.SIGINT, press)
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _recorder(path: Path | None) -> Iterator[Record]:
    """Yield a function that writes each alert to `path`: vehicle, id, number, SHA-256 of its bytes."""
    import hashlib

    if path is None:
        yield lambda _vehicle, _entry: None
        return
    try:
        out = path.open("w", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from None
    with out:

        def write(vehicle: str, entry: SpoolEntry) -> None:
            digest = hashlib.sha256(entry.body).hexdigest()
            out.write(json.dumps({"vehicle": vehicle, "id": entry.id, "seq": entry.seq, "sha256": digest}) + "\n")
            out.flush()

        yield write

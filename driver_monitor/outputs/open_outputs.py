"""Opens the outputs that a configuration asks for. One table says which, in what order, and what they import.

Most outputs are imported only where they are wanted: an import takes time and memory. A reload imports them in its
thread, while the old outputs work: the live loop must not wait for the disk, and an import that fails must change
nothing.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from driver_monitor.config.schema import Config
from driver_monitor.messages.privacy import PrivacyFilter
from driver_monitor.outputs.active_alerts import ActiveAlerts
from driver_monitor.outputs.fanout import Outputs
from driver_monitor.outputs.gpio_output import GpioOutput
from driver_monitor.outputs.journal import Journal, Show
from driver_monitor.outputs.output import Output
from driver_monitor.outputs.uplink.status import DrivingTime, VehicleRun
from driver_monitor.outputs.zmq_publisher import ZmqPublisher
from driver_monitor.spool.file import FILE as SPOOL_FILE

if TYPE_CHECKING:
    from driver_monitor.outputs.uplink.output import UplinkOutput


@dataclass(slots=True)
class Opening:
    """What the outputs are opened from. `folder`: for data that must survive the daemon (`service.state_dir`).

    `console`: shows alerts; None: the log does. `run`, `driving`: for the uplink. `uplink`, `publisher`: once they are
    open, for the outputs after them.
    """

    config: Config
    folder: Path
    console: Show | None
    run: VehicleRun
    driving: DrivingTime
    uplink: UplinkOutput | None = field(default=None, init=False)
    publisher: ZmqPublisher | None = field(default=None, init=False)


class OutputRow(NamedTuple):
    """One output. `module`: below this folder, imported before `open` is called. `open` may raise `OutputError`.

    `wanted`: whether a configuration with this folder has the output.
    """

    module: str
    wanted: Callable[[Config, Path], bool]
    open: Callable[[Opening], Output]


def _uplink(given: Opening) -> Output:
    from driver_monitor.outputs.uplink.output import UplinkOutput  # brings ssl, which nothing else needs

    given.uplink = UplinkOutput(given.config.uplink, given.folder, given.run, given.driving)
    return given.uplink


def _old_spool(given: Opening) -> Output:
    from driver_monitor.outputs.uplink.old_spool import OldSpool

    return OldSpool(given.config.uplink, given.folder)


def _metrics(given: Opening) -> Output:
    from driver_monitor.outputs.metrics import MetricsOutput

    assert given.config.metrics.bind is not None
    return MetricsOutput(given.config.metrics.bind, given.uplink.spool if given.uplink else None)


def _publisher(given: Opening) -> Output:
    given.publisher = ZmqPublisher(given.config.zmq)
    return given.publisher


def _curve(given: Opening) -> Output:
    from driver_monitor.outputs.curve.publisher import CurvePublisher  # it needs libzmq

    return CurvePublisher(given.config.zmq)


def _car(given: Opening) -> Output:
    from driver_monitor.outputs.car.output import CarOutput

    return CarOutput(given.config.outputs, given.publisher.dms if given.publisher else None)


def _vss(given: Opening) -> Output:
    from driver_monitor.outputs.vss.output import VssOutput

    assert given.config.outputs.vss is not None
    return VssOutput(given.config.outputs.vss, given.publisher.vss if given.publisher else None)


def _sound(given: Opening) -> Output:
    from driver_monitor.outputs.sound.output import SoundOutput

    return SoundOutput(given.config.outputs, given.config.gpio.max_buzz_s)


TABLE = (
    OutputRow("journal", lambda *_: True, lambda given: Journal(given.console)),
    OutputRow("active_alerts", lambda *_: True, lambda given: ActiveAlerts(given.folder)),
    # Before the others, so that it is closed after them: the network must not delay the pins.
    OutputRow("uplink.output", lambda config, _: config.uplink.enabled, _uplink),
    OutputRow("uplink.old_spool", lambda config, folder: not config.uplink.enabled and (folder / SPOOL_FILE).exists(),
              _old_spool),
    OutputRow("metrics", lambda config, _: config.metrics.bind is not None, _metrics),
    OutputRow("zmq_publisher", lambda config, _: config.zmq.enabled, _publisher),
    OutputRow("curve.publisher", lambda config, _: config.zmq.beyond_this_machine, _curve),
    # After the publisher, so that they are closed before it: their last messages are published.
    OutputRow("car.output", lambda config, _: config.outputs.vehicle is not None, _car),
    OutputRow("vss.output", lambda config, _: config.outputs.vss is not None, _vss),
    OutputRow("gpio_output", lambda *_: True, lambda given: GpioOutput(given.config.gpio)),
    OutputRow("sound.output", lambda config, _: config.outputs.sound is not None, _sound),
)  # fmt: skip
"""All outputs, in the order in which they are opened. They are closed in the opposite order."""


def import_outputs(config: Config, folder: Path) -> None:
    """Import what the outputs of `config` need. `folder`: as in `Opening`. Raises `ImportError`."""
    for row in TABLE:
        if row.wanted(config, folder):
            importlib.import_module(f"driver_monitor.outputs.{row.module}")


def open_outputs(given: Opening, privacy: PrivacyFilter) -> Outputs:
    """Open the wanted outputs. If one cannot be opened, close all and raise its error.

    That is an `OutputError`, or a `ConfigError` if the login of the uplink cannot be used.
    """
    outputs: list[Output] = []
    try:
        for row in TABLE:
            if row.wanted(given.config, given.folder):
                outputs.append(row.open(given))
    except BaseException:
        Outputs(outputs).close()
        raise
    return Outputs(outputs, privacy)

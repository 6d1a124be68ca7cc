"""Imports the outputs that only some configurations have, before they are built.

A reload does this in its thread, while the old outputs work: the live loop must not wait for the disk, and an import
that fails must change nothing.
"""

from __future__ import annotations

import importlib

from driver_monitor.config.schema import Config


def import_outputs(config: Config) -> None:
    """Import what the outputs of `config` need. Raises `ImportError`."""
    wanted = {
        "uplink.output": config.uplink.enabled,
        "metrics": config.metrics.bind is not None,
        "curve.publisher": config.zmq.beyond_this_machine,
        "car.output": config.outputs.vehicle is not None,
        "vss.output": config.outputs.vss is not None,
        "sound.output": config.outputs.sound is not None,
    }
    for module in (name for name, needed in wanted.items() if needed):
        importlib.import_module(f"driver_monitor.outputs.{module}")

"""Switches buzzer, LED and infrared lamp off: `python -m driver_monitor.gpio.off --config F`.

The systemd unit calls it in `ExecStopPost`, because pins keep their level when a process is killed with SIGKILL. It
must be quick on a busy board, so it reads the few values it needs itself, without the libraries of the daemon.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from driver_monitor.config import pins, resources
from driver_monitor.errors import ConfigError, DriverMonitorError
from driver_monitor.gpio.lamp import of_lamp
from driver_monitor.gpio.pins import has_pins, open_pins

MAX_BYTES = 64 * 1024
"""A longer file is not a configuration (as in `config.yaml_file`)."""
FLAGS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
NOTHING = ("", "~", "null", "Null", "NULL")

_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""Reads every value as text: `off` stays `off`."""


@dataclass(frozen=True, slots=True)
class PinsToSwitchOff:
    """What this program needs of the section `gpio`."""

    backend: str
    chip: str
    buzzer_pin: int | str | None
    led_pin: int | str | None
    active_high: bool
    infrared_pin: int | str | None


def main(arguments: Sequence[str] | None = None, factory: Any = None) -> int:
    """Open the configured pins, which switches them off, and close them. Returns the first error's exit code, or 0.

    Errors are printed. If the section `gpio` is wrong, the default pins are used: the killed daemon may have started
    with an earlier version of the file, most likely with these pins. With backend `auto`, a machine without any GPIO
    is no error. `factory`: as in `GpioOutput`.
    """
    parser = argparse.ArgumentParser(
        prog="python -m driver_monitor.gpio.off", description="Switch buzzer, LED and infrared lamp off."
    )
    parser.add_argument("--config", type=Path, help="the daemon's configuration; default: the program's own")
    given = parser.parse_args(arguments)
    defaults = _section(resources.path("config.yaml"))
    try:
        settings, exit_code = _settings(defaults, given.config), 0
    except DriverMonitorError as error:
        print(f"{error}; the default pins are switched off", file=sys.stderr)
        settings, exit_code = _settings(defaults, None), error.exit_code
    if factory is None and settings.backend == "auto" and not has_pins():
        return exit_code
    # The lamp on its own: neither may stay on because the other cannot be opened.
    codes = [exit_code, _switch_off(settings, factory, str)]
    if settings.infrared_pin is not None:
        lamp = replace(settings, buzzer_pin=None, led_pin=settings.infrared_pin)
        codes.append(_switch_off(lamp, factory, of_lamp))
    return next(filter(None, codes), 0)


def _switch_off(pins: PinsToSwitchOff, factory: Any, shown: Callable[[str], str]) -> int:
    """Switch buzzer and LED of `pins` off; return the exit code. `shown`: changes the text of errors."""
    faults: list[str] = []
    try:
        open_pins(pins, factory, faults.append).close()
    except DriverMonitorError as error:
        print(shown(str(error)), file=sys.stderr)
        return error.exit_code
    for fault in faults:
        print(shown(fault), file=sys.stderr)
    return int(bool(faults))


def _settings(defaults: dict[str, str], path: Path | None) -> PinsToSwitchOff:
    """Return the settings of the file at `path`, with those of `defaults` for what it lacks. Raises `ConfigError`."""
    given = {} if path is None else _section(path)
    values: dict[str, str | None] = {**defaults, **pins.without_defaults(given.get("backend")), **given}
    for name in given:
        if name not in defaults:
            raise ConfigError(f"{path}: gpio.{name}: unknown key")

    def known(name: str, words: Mapping[Any, Any]) -> Any:
        if values[name] not in words:
            raise ConfigError(f"{path}: gpio.{name}: not a valid value, found {values[name]!r:.60}")
        return words[values[name]]

    backend = known("backend", {name: name for name in pins.BACKENDS})
    chip = known("chip", {} if values["chip"] in NOTHING else {values["chip"]: values["chip"]})
    names = ("buzzer_pin", "led_pin", "infrared_pin")
    buzzer, led, lamp = (known(name, _pins(values[name], backend)) for name in names)
    used = [pin for pin in (buzzer, led, lamp) if pin is not None]
    if len(set(used)) < len(used):
        raise ConfigError(f"{path}: gpio: two of {', '.join(names)} are the same pin; give each its own pin")
    return PinsToSwitchOff(backend, chip, buzzer, led, known("active_high", FLAGS), lamp)


def _pins(text: str | None, backend: str) -> dict[str | None, int | str | None]:
    """Return each text for a pin with `backend`, and the pin. `text`: what stands there, perhaps a line's name."""
    known: dict[str | None, int | str | None] = {str(number): number for number in range(pins.highest(backend) + 1)}
    known |= dict.fromkeys((*NOTHING, None))
    if text is not None and pins.takes_names(backend) and pins.is_line_name(text):
        known[text] = text
    return known


def _section(path: Path) -> dict[str, str]:
    """Return the section `gpio` of the file at `path`, each value as text. Raises `ConfigError`."""
    try:
        if not path.is_file():  # a pipe could block
            raise ConfigError(f"{path}: cannot read it: no such file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise ConfigError(f"{path}: too large: more than {MAX_BYTES} bytes")
        whole = yaml.load(data.decode("utf-8-sig"), _Loader)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot read it: {getattr(error, 'strerror', None) or error}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{path}: not valid YAML: {getattr(error, 'problem', None) or 'nested too deep'}") from None
    section = (whole.get("gpio") if isinstance(whole, dict) else whole) or {}
    if not isinstance(section, dict) or not all(isinstance(value, str) for value in section.values()):
        raise ConfigError(f"{path}: gpio: expected `key: value` lines")
    return section


if __name__ == "__main__":
    sys.exit(main())

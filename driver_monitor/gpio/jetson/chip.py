"""Opens a GPIO chip and its lines with libgpiod 2 (the Python package `gpiod`).

A line belongs to one program until this program releases it or ends. Its level afterwards depends on the chip's driver;
most keep the last one. So each line is made inactive before it is released, and `gpio.off` does it after a kill.
"""

from __future__ import annotations

import errno
from contextlib import suppress
from pathlib import Path
from typing import Any

from driver_monitor import PROGRAM
from driver_monitor.errors import BusyPinError, OutputError

DEVICES = Path("/dev")
"""The folder with the GPIO chips of this computer, `gpiochip*`."""
UNSUPPORTED = (errno.EINVAL, errno.ENXIO, errno.ENOTSUP, errno.EOPNOTSUPP)
"""What Linux answers if a chip cannot do what is requested, such as reporting edges."""
INSTALL = "install it in the program's environment: pip install 'driver-monitor[jetson]'"


class UnsupportedLineError(OutputError):
    """The chip cannot do what is requested of a line."""


class GpiodOutput:
    """An output line. It is inactive at first. Errors are `OutputError`, with what to do."""

    def __init__(self, chip: GpiodChip, name: str, line: int | str, active_high: bool) -> None:
        self._chip, self._line = chip, line
        lines = chip.gpiod.line
        settings = chip.gpiod.LineSettings(
            direction=lines.Direction.OUTPUT, active_low=not active_high, output_value=lines.Value.INACTIVE
        )
        self._request = chip.request(name, line, settings)
        self._on: bool | None = False

    @property
    def value(self) -> int | None:
        """What was last written: 1 is on, 0 is off. After a write that failed: None, unknown."""
        return None if self._on is None else int(self._on)

    @value.setter
    def value(self, value: int) -> None:
        values, self._on = self._chip.gpiod.line.Value, None
        try:
            self._request.set_value(self._line, values.ACTIVE if value else values.INACTIVE)
        except OSError as error:
            raise OutputError(f"line {self._line}: {self._chip.words(error)}") from None
        self._on = bool(value)

    def off(self) -> None:
        """Make the line inactive."""
        self.value = 0

    def close(self) -> None:
        """Release the line. May be called twice."""
        self._request.release()


class GpiodChip:
    """One GPIO chip. `chip`: its device (/dev/gpiochip0), or its label or name (tegra234-gpio, gpiochip0).

    Raises `OutputError` if there is no such chip or if `gpiod` is missing.
    """

    def __init__(self, chip: str) -> None:
        self.gpiod = _gpiod()
        self._requested: dict[int, str] = {}
        self.path = chip if chip.startswith("/") else self._found(chip)
        try:
            if not Path(self.path).exists():
                raise OutputError(f"gpio.chip: {self.path} does not exist; {self._known()}")
            if not self.gpiod.is_gpiochip_device(self.path):
                raise OutputError(f"gpio.chip: {self.path} is not a GPIO chip; {self._known()}")
        except OSError as error:
            raise OutputError(f"gpio.chip: {self.words(error)}") from None

    def output(self, name: str, line: int | str, active_high: bool) -> GpiodOutput:
        """Open `line` (offset or name) as an output that is off. `name`: the key of `gpio`, for errors."""
        return GpiodOutput(self, name, line, active_high)

    def request(self, name: str, line: int | str, settings: Any) -> Any:
        """Return libgpiod's request of one line.

        Raises `OutputError`, if a program has the line `BusyPinError`, and `UnsupportedLineError`.
        """
        try:
            with self.gpiod.Chip(self.path) as chip:
                try:
                    self._check_new(name, line, chip.line_offset_from_id(line))
                    return chip.request_lines(config={line: settings}, consumer=PROGRAM)
                except OSError as error:
                    if error.errno == errno.EBUSY:
                        raise _busy(name, line, chip) from None
                    if error.errno == errno.ENOENT:
                        raise OutputError(f"gpio: {name} {line}: {self._no_such_name(line)}") from None
                    raise
        except OSError as error:
            kind = UnsupportedLineError if error.errno in UNSUPPORTED else OutputError
            raise kind(f"gpio: {name} {line} cannot be used: {self.words(error)}") from None
        except ValueError:
            raise OutputError(f"gpio: {name} {line}: {self.path} has no such line; gpioinfo lists its lines") from None

    def _check_new(self, name: str, line: int | str, offset: int) -> None:
        """Raise `OutputError` if the line was requested already, by its name or by its offset."""
        if self._requested.setdefault(offset, name) != name:
            raise OutputError(f"gpio: {name} {line} is the line of {self._requested[offset]}, too; use another line")

    def words(self, error: OSError) -> str:
        """Return what `error` of this chip means, and what to do."""
        if error.errno in (errno.EACCES, errno.EPERM):
            return f"no permission for {self.path}; let the program's user join the group gpio (systemd/README.md)"
        if error.errno == errno.ENODEV:
            return f"{self.path} is gone; connect its board again and restart the program"
        return f"{self.path}: {error.strerror or error or 'no reason given'}"

    def _found(self, label: str) -> str:
        """Return the device of the chip with this label or name."""
        refused: OSError | None = None
        for device in self._chips():
            try:
                with self.gpiod.Chip(device) as chip:
                    info = chip.get_info()
            except OSError as error:
                self.path, refused = device, error
                continue
            if label in (info.label, info.name):
                return device
        if refused is not None:
            raise OutputError(f"gpio.chip: {label} was not found, and {self.words(refused)}")
        raise OutputError(f"gpio.chip: no GPIO chip is called {label}; {self._known()}")

    def _chips(self) -> list[str]:
        return [str(path) for path in sorted(DEVICES.glob("gpiochip*"))]

    def _known(self) -> str:
        """Return which chips this computer has."""
        chips = ", ".join(self._chips())
        return f"this computer has {chips}" if chips else "this computer has no GPIO chip; set gpio.backend: off"

    def _no_such_name(self, line: int | str) -> str:
        """Return the words for a name that no line of this chip has. Another chip may have it."""
        for device in self._chips():
            with suppress(OSError, ValueError), self.gpiod.Chip(device) as chip:
                chip.line_offset_from_id(line)
                return f"it is a line of {device}; set gpio.chip: {device}"
        return f"no line of {self.path} has this name; gpioinfo lists the names"


def _busy(name: str, line: int | str, chip: Any) -> BusyPinError:
    """Return the error for a line that a program has, with the program's name if the kernel tells it."""
    consumer = ""
    with suppress(OSError, ValueError):
        consumer = chip.get_line_info(line).consumer
    holder = f"the program '{consumer}'" if consumer else "another program"
    if consumer == PROGRAM:
        holder = "a running daemon"
    return BusyPinError(f"gpio: {name} {line} cannot be used: {holder} has this line; stop it, or use another line")


def _gpiod() -> Any:
    """Return the package `gpiod`. Raises `OutputError` if it is missing, or version 1, which has another interface."""
    try:
        import gpiod
    except ImportError as error:
        raise OutputError(f"gpio: the Python package gpiod is missing ({error}); {INSTALL}") from None
    if not hasattr(gpiod, "LineSettings"):
        raise OutputError(f"gpio: the Python package gpiod is too old, version 2.2 or newer is needed; {INSTALL}")
    return gpiod

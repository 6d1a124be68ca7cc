"""What the section `gpio` accepts as a pin. `gpio.off` reads it too, so this module imports nothing that takes long."""

from __future__ import annotations

import re

BUZZER, LED = 17, 27
"""The default pins, BCM numbers on a Raspberry Pi's 40-pin header. Other boards have no default pins."""
CHIP = "/dev/gpiochip0"
"""The default GPIO chip: the one with nearly all lines of the header on Jetson Orin and Xavier boards."""
BACKENDS = ("auto", "gpiozero", "gpiod", "mock", "off")
HIGHEST_BCM = 27
"""The highest BCM number on a Raspberry Pi's 40-pin header."""
HIGHEST_OFFSET = 1023
"""The highest offset of a line on a chip that is accepted (ours). The largest chip of a Jetson has 164 lines."""
LONGEST_NAME = 31
"""Characters of the longest name of a line, the limit of Linux (GPIO_MAX_NAME_SIZE)."""
_NAME = re.compile(r"[A-Za-z](?=[^\d]*\d)[\w.+:-]+", re.ASCII)
"""The name of a line, such as PQ.05 or GPIO17. Ours: there is a digit in it, so that most slips are no name."""


def is_line_name(text: str) -> bool:
    """Return whether `text` can be the name of a line of a GPIO chip."""
    return len(text) <= LONGEST_NAME and _NAME.fullmatch(text) is not None


def takes_names(backend: str) -> bool:
    """Return whether a pin may be the name of a line with `backend`. With `off`, the pins are those of another day."""
    return backend in ("auto", "gpiod", "off")


def highest(backend: str) -> int:
    """Return the highest number of a pin with `backend`: a BCM number, or an offset on the chip."""
    return HIGHEST_OFFSET if backend in ("gpiod", "off") else HIGHEST_BCM


def without_defaults(backend: object) -> dict[str, None]:
    """Return the pins that are not connected unless they are given. The defaults are BCM numbers: not for `gpiod`."""
    return dict.fromkeys(("buzzer_pin", "led_pin")) if backend == "gpiod" else {}

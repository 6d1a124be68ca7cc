"""What is known of the board at one moment."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BoardReading:
    """One reading of the sensors of the board. None is unknown.

    `temperature_c`: the hottest of processor and graphics, degrees Celsius. `slows_at_c`: the temperature at which the
    board lowers its clock. `under_voltage`: the supply is too weak. `throttled`: the board has lowered its clock,
    because it is too hot or the supply is too weak. `supply`: the power supply that it needs, in words.
    """

    temperature_c: float | None = None
    slows_at_c: float | None = None
    under_voltage: bool | None = None
    throttled: bool | None = None
    supply: str = "the power supply of its maker"

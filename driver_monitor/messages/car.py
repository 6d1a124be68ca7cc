"""Makes the signal to the car: one small object that says how the driver is and how well the system sees.

It holds nothing of an expression: at a workplace, a rule that reads one implies no attention (`rules.profile`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from driver_monitor.data.alert import Attention, Verdict
from driver_monitor.data.driver_state import Degraded, DriverState
from driver_monitor.messages.envelope import SCHEMA

System = Literal["off", "starting", "ok", "limited", "blind", "stalled"]
"""How well the system sees. `off`: it ends. `starting`: no frame yet. `ok`: the driver is visible. `limited`: the face
is visible, the eyes are not: sleep cannot be seen. `blind`: no face or no picture. `stalled`: no new result in time."""
BLIND: frozenset[Degraded] = frozenset(("covered", "frozen", "turned", "no_camera", "no_face", "turned_away"))
"""The reasons in `Degraded` for which nothing of the driver is seen."""


@dataclass(frozen=True, slots=True)
class CarSignal:
    """What the car is told.

    `attention`: as in `Verdict`; "unknown" is never "attentive". `warned`: as in `Verdict`. `degraded`: why the driver
    is not fully visible, None if visible or not known.
    """

    system: System
    attention: Attention = "unknown"
    warned: Attention | None = None
    degraded: Degraded | None = None


def car_signal(state: DriverState, verdict: Verdict) -> CarSignal:
    """Return the signal for one frame, or for a moment without one."""
    reason = state.degraded
    system: System = "ok" if reason is None else "blind" if reason in BLIND else "limited"
    return CarSignal(system, verdict.attention, verdict.warned, reason)


def car_message(signal: CarSignal, counter: int, t_mono: float) -> dict[str, Any]:
    """Return the payload of the topic `vehicle/dms`. `counter`: as in the CAN frame. `t_mono`: monotonic seconds."""
    return {
        "schema": SCHEMA,
        "t_mono": t_mono,
        "counter": counter,
        "system": signal.system,
        "attention": signal.attention,
        "warned": signal.warned,
        "degraded": signal.degraded,
    }

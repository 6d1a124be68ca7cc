"""The one way from a frame to a verdict, the same for the daemon, a replay and a still."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from driver_monitor.data.alert import Verdict
from driver_monitor.data.driver_state import DriverState
from driver_monitor.data.observation import (
    UNKNOWN_VEHICLE,
    CameraState,
    Observation,
    VehicleData,
)
from driver_monitor.imaging.frame import Frame
from driver_monitor.rules.engine import Engine
from driver_monitor.state.tracker import StateTracker


@dataclass(frozen=True, slots=True, eq=False)
class FrameResult:
    """What one frame led to."""

    observation: Observation
    state: DriverState
    verdict: Verdict


class FrameObserver(Protocol):
    """Whoever says what a frame shows: `perception.Perception`, or a script in a test."""

    def observe(self, frame: Frame, camera: CameraState = "ok") -> Observation:
        """Return what `frame` shows."""

    def blind(self, t: float, camera: CameraState) -> Observation:
        """Return the observation of time `t` (seconds) without a usable picture."""


class NoPerception:
    """Sees nothing: for a pipeline that is given what was seen before."""

    def observe(self, frame: Frame, camera: CameraState = "ok") -> Observation:
        """Return that there is nothing to be seen."""
        return self.blind(frame.t, camera)

    def blind(self, t: float, camera: CameraState) -> Observation:
        """Return the same."""
        return Observation(t, camera, "dark", None, None, face_reason="no_frame")


class Pipeline:
    """Perception, state and rules in a row. Time comes with the frames; no clock is read."""

    def __init__(self, perception: FrameObserver, state: StateTracker, engine: Engine) -> None:
        self._perception, self._state, self.engine = perception, state, engine

    def step(self, frame: Frame, camera: CameraState = "ok", vehicle: VehicleData = UNKNOWN_VEHICLE) -> FrameResult:
        """Take one frame; `camera` "frozen" says that it shows nothing new; `vehicle`: what the car says meanwhile."""
        return self.conclude(replace(self._perception.observe(frame, camera), vehicle=vehicle))

    def blind(self, t: float, camera: CameraState, vehicle: VehicleData = UNKNOWN_VEHICLE) -> FrameResult:
        """Let time go on to `t` (seconds) without a frame, because the camera is `camera`."""
        return self.conclude(replace(self._perception.blind(t, camera), vehicle=vehicle))

    def conclude(self, observation: Observation) -> FrameResult:
        """Take what was seen, now or when a trace of it was written."""
        state = self._state.update(observation)
        return FrameResult(observation, state, self.engine.update(state))

"""Runs the steps from a frame to alerts: the same for the daemon, a replay and a single picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from driver_monitor.data.alert import Verdict
from driver_monitor.data.driver_state import DriverState
from driver_monitor.data.observation import UNKNOWN_VEHICLE, CameraState, Observation, VehicleData
from driver_monitor.frozen import fast_dataclass
from driver_monitor.imaging.frame import Frame
from driver_monitor.perception.scene.repeats import FROZEN_AFTER_S, RepeatDetector
from driver_monitor.rules.engine import Engine
from driver_monitor.state.tracker import StateTracker


@fast_dataclass(frozen=True, slots=True, eq=False)
class FrameResult:
    """The observation, driver state and verdict of one frame, or of a moment without a frame."""

    observation: Observation
    state: DriverState
    verdict: Verdict


class FrameObserver(Protocol):
    """Measures what a frame shows: `perception.Perception`, or a script in a test."""

    def observe(self, frame: Frame, camera: CameraState = "ok") -> Observation:
        """Return what `frame` shows. `camera`: the camera state."""

    def observe_nothing(self, t: float, camera: CameraState) -> Observation:
        """Return an observation without a face for time `t` (seconds), because there is no usable picture."""


class NoPerception:
    """Takes the place of perception in a pipeline that gets the observations of a trace."""

    def observe(self, frame: Frame, camera: CameraState = "ok") -> Observation:
        """Return an empty observation."""
        return self.observe_nothing(frame.t, camera)

    def observe_nothing(self, t: float, camera: CameraState) -> Observation:
        """Return an empty observation."""
        return Observation(t, camera, "dark", None, None, face_reason="no_frame")

    def pause_expressions(self, paused: bool) -> None:
        """Do nothing: a trace has the expressions that were read."""


class Pipeline:
    """Runs perception, state and rules, in this order. Time comes from the frames; no clock is read.

    `repeats`: finds repeated pictures. None: every picture is new, as those of a script or of a trace.
    `pause_expressions`: with True, perception reads no expressions until it is called with False.
    """

    def __init__(
        self,
        perception: FrameObserver,
        state: StateTracker,
        engine: Engine,
        repeats: RepeatDetector | None = None,
        pause_expressions: Callable[[bool], object] = lambda _: None,
    ) -> None:
        self._perception, self._state, self.engine, self._repeats = perception, state, engine, repeats
        self.pause_expressions = pause_expressions
        self._last: Observation | None = None
        self._bridged = False

    def step(self, frame: Frame, camera: CameraState = "ok", vehicle: VehicleData = UNKNOWN_VEHICLE) -> FrameResult:
        """Process one frame. `camera`: the camera state. `vehicle`: speed and ignition at the time of the frame.

        A repeated picture is no evidence: the result is that of the frame before, without its events. After
        `FROZEN_AFTER_S` the camera state is "frozen".
        """
        repeated_s = self._repeats.update(frame) if self._repeats is not None else 0.0
        if 0.0 < repeated_s <= FROZEN_AFTER_S and self._last is not None and self._last.camera == "ok":
            self._bridged = True
            return self.conclude(self._last)
        bridged, self._bridged = self._bridged, False
        state: CameraState = "frozen" if camera == "ok" and repeated_s > FROZEN_AFTER_S else camera
        return self.conclude(_with(self._perception.observe(frame, state), vehicle, bridged))

    def step_without_frame(self, t: float, camera: CameraState, vehicle: VehicleData = UNKNOWN_VEHICLE) -> FrameResult:
        """Process a moment without a frame. `t`: its time, seconds. `camera`: the camera state, the cause."""
        return self.conclude(_with(self._perception.observe_nothing(t, camera), vehicle))

    def conclude(self, observation: Observation) -> FrameResult:
        """Update state and rules with `observation`, from perception or a trace, and return the result."""
        self._last = observation
        state = self._state.update(observation)
        return FrameResult(observation, state, self.engine.update(state))


def _with(observation: Observation, vehicle: VehicleData, bridged: bool = False) -> Observation:
    """Return `observation` with these values. Mostly it has them: most cars send nothing, and a copy takes time."""
    if observation.vehicle == vehicle and observation.bridged == bridged:
        return observation
    return replace(observation, vehicle=vehicle, bridged=bridged)

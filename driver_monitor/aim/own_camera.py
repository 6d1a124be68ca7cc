"""The camera of `aim` itself, where no daemon runs: the daemon's own pipeline, without alerts and outputs."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

from driver_monitor.aim.live import Live
from driver_monitor.app import build
from driver_monitor.app.build import Plan
from driver_monitor.app.pictures.link import PICTURES_HZ
from driver_monitor.app.pipeline import FrameResult
from driver_monitor.errors import OutputError
from driver_monitor.gpio.lamp import Lamp, NoLamp
from driver_monitor.imaging.frame import Frame
from driver_monitor.imaging.jpeg import jpeg
from driver_monitor.messages.sighting import FaceLightKeeper, Sighting, for_installer
from driver_monitor.threads.worker import Worker
from driver_monitor.timing.periodic import PeriodicTimer

log = logging.getLogger(__name__)

FRAME_WAIT_S = 0.1
"""Longest wait for a frame, as in the daemon."""


class OwnCamera:
    """Watches the camera of `plan` and shows in `live` what is seen. A recording is played again and again.

    Raises `SourceError` if waiting for the camera cannot help, and `ModelError`.
    """

    def __init__(self, plan: Plan, live: Live) -> None:
        plan = _without_expressions(plan)
        self._plan, self._live = plan, live
        self._models = build.load_models(plan.config)
        self._pipeline = build.build_pipeline(plan, self._models)
        self._started = time.monotonic()
        self._source = build.build_grabber(plan, self._started, eager=True)
        self._lamp = _lamp_on(plan)
        self._rate, self._lights = PeriodicTimer(1.0 / PICTURES_HZ), FaceLightKeeper()
        self._size = plan.config.camera.width, plan.config.camera.height
        self._worker = Worker("own-camera", self._work)
        self._worker.start()

    @property
    def failure(self) -> str | None:
        """Why the thread failed, else None."""
        return self._worker.failure

    def close(self) -> None:
        """Close the camera and end the thread."""
        self._worker.close()
        # Before the camera: one that hangs must not keep the lamp on.
        self._lamp.close()
        self._source.close()

    def _work(self) -> None:
        while not self._worker.closing:
            frame, camera = self._source.latest(FRAME_WAIT_S), self._source.state
            if frame is not None:
                self._show(frame, self._pipeline.step(frame, camera))
            elif self._source.ended:
                self._play_again()
            elif camera != "ok":
                now = time.monotonic() - self._started
                self._show(None, self._pipeline.step_without_frame(now, camera))

    def _show(self, frame: Frame | None, result: FrameResult) -> None:
        seen = self._lights.fill(result.observation)
        if not self._rate.due(time.monotonic()):
            return
        if frame is not None:
            self._size = frame.grey.shape[1], frame.grey.shape[0]
        picture = None if frame is None else jpeg(frame)
        side = self._plan.config.camera.driver_side
        name, camera = self._source.name, result.state.camera
        self._live.show(Sighting(for_installer(seen), self._size, picture, name, side, camera))

    def _play_again(self) -> None:
        """Play the recording from its start. Its times begin at 0 again, so the pipeline is a new one."""
        if self._worker.closing:
            return
        self._source.close()
        self._pipeline = build.build_pipeline(self._plan, self._models)
        self._source = build.build_grabber(self._plan, time.monotonic(), eager=True)


def _lamp_on(plan: Plan) -> Lamp:
    """Return the infrared lamp, switched on. Without it the page says that the picture is dark, so that is no error."""
    try:
        return build.build_lamp(plan)
    except OutputError as error:
        log.warning("%s", error)
        return NoLamp()


def _without_expressions(plan: Plan) -> Plan:
    """Return `plan` with `emotion.enabled: false`: nobody needs an expression to aim a camera."""
    off = plan.config.emotion.model_copy(update={"enabled": False})
    return replace(plan, config=plan.config.model_copy(update={"emotion": off}))

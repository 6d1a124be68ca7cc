"""A new configuration for a running daemon: what changed is built anew, and what does not work is taken back."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from driver_monitor import service
from driver_monitor.daemon import Events, Parts, ReloadError
from driver_monitor.errors import DriverMonitorError
from driver_monitor.service import Plan, Request

PIPELINE_KEYS = ("profile", "camera", "face", "emotion", "models")
"""The camera is among them: another view is another straight-ahead, and its time starts anew."""
OUTPUT_KEYS = ("zmq", "gpio", "service")
CAMERA_KEYS = ("camera",)


class Reloader:
    """Knows the plan in force and replaces it part by part.

    `builders`: how to make the parts of `Parts` that must be closed before their successor opens, by name.
    """

    def __init__(self, request: Request, plan: Plan, builders: Mapping[str, Callable[[Plan], object]]) -> None:
        self._request, self._plan, self._builders = request, plan, builders

    def __call__(self, parts: Parts, send: Callable[[Events], None]) -> None:
        """Read the configuration again and change `parts`; `send` takes alerts to the outputs then in place.

        Raises `ReloadError` when the new configuration is wrong or does not work and the old one goes on, and
        another `DriverMonitorError` when not even that was possible.
        """
        try:
            new = service.load_plan(self._request)
            models = service.load_models(new.config)
            pipeline = service.build_pipeline(new, models) if self._differs(new, PIPELINE_KEYS) else None
        except DriverMonitorError as error:
            raise ReloadError(str(error)) from error
        stale = [name for name, keys in (("outputs", OUTPUT_KEYS), ("source", CAMERA_KEYS)) if self._differs(new, keys)]
        if pipeline is not None or stale:
            # An alert must not hang at a subscriber for ever because the rule that raised it is gone.
            send(parts.pipeline.engine.dismiss("the configuration was read again"))
        self._swap(parts, stale, new)
        parts.pipeline = pipeline or parts.pipeline
        parts.provenance = service.provenance(new, models)
        parts.state_s = 1.0 / new.config.zmq.state_hz
        self._plan = new

    def _differs(self, new: Plan, keys: tuple[str, ...]) -> bool:
        old = self._plan
        if "profile" in keys and old.profile_text != new.profile_text:
            return True
        return any(getattr(old.config, key) != getattr(new.config, key) for key in keys)

    def _swap(self, parts: Parts, names: list[str], new: Plan) -> None:
        touched: list[str] = []
        try:
            for name in names:
                touched.append(name)
                self._rebuild(parts, name, new)
        except DriverMonitorError as error:
            for name in touched:
                self._rebuild(parts, name, self._plan)
            raise ReloadError(str(error)) from error

    def _rebuild(self, parts: Parts, name: str, plan: Plan) -> None:
        getattr(parts, name).close()
        setattr(parts, name, self._builders[name](plan))

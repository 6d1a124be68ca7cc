"""Checks and loads the models, as the daemon does at its start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from driver_monitor.config import resources
from driver_monitor.doctor.verdicts.finding import Finding
from driver_monitor.doctor.verdicts.program import judge_models
from driver_monitor.errors import ModelError

if TYPE_CHECKING:
    from driver_monitor.app.build import Models, Plan


@dataclass(frozen=True, slots=True)
class Loaded:
    """The models, None if they cannot be used, and what to say of them."""

    models: Models | None
    findings: tuple[Finding, ...]


def load_models(plan: Plan) -> Loaded:
    """Load the models of `plan`."""
    from driver_monitor.app import build
    from driver_monitor.nets import manifest

    folder = plan.config.models.folder or resources.path("models")
    names = sorted(path.name for path in folder.glob("*.onnx"))
    models = error = None
    listed = False
    try:
        listed = manifest.load_manifest(folder) is not None
        models = build.load_models(plan.config)
    except ModelError as fault:
        error = str(fault)
    objects = not plan.config.objects.enabled or (models is not None and models.objects is not None)
    found: Iterator[Finding] = judge_models(str(folder), names, error, listed=listed, objects=objects)
    return Loaded(models, tuple(found))

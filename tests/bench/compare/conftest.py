"""Runs of one short clip: as shipped, with every second frame, with another profile, with another eye net."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver_monitor.app.build import Request, load_plan
from driver_monitor.bench.replays.job import ReplayJob
from driver_monitor.bench.replays.replay import replay
from tests.bench.compare.other_net import write_models

BLIND_TO_CLOSED = -8.0
"""The other net calls the closed eyes of the demo open."""


@pytest.fixture(scope="session")
def results(short_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the batches `default`, `every`, `quiet` and `other`, each with the run `nap`."""
    folder = tmp_path_factory.mktemp("results")
    models = write_models(folder / "models", BLIND_TO_CLOSED)
    (folder / "other.yaml").write_text(f"models: {{folder: '{models}'}}\n")
    requests = {
        "default": Request(),
        "every": Request(),
        "quiet": Request(profile="quiet"),
        "other": Request(config=folder / "other.yaml"),
    }
    for name, request in requests.items():
        every = 2 if name == "every" else 1
        replay(ReplayJob(short_clip, folder / name / "nap", every), load_plan(request))
    return folder

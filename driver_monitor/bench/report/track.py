"""The series of a report as the track that scores need."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from driver_monitor.bench.report.columns import Columns
from driver_monitor.bench.runs.read_run import Run
from driver_monitor.bench.score.run_track import stride_of
from driver_monitor.bench.score.track import Track


def track_of_columns(run: Run, columns: Columns, raised: Sequence[tuple[str, float]]) -> Track:
    """Return the track of a run. `raised`: rule and time of each alert. Raises `RunError`: run.json has no stride."""
    numbers, states = columns.numbers, columns.words["eyes.state"]
    return Track(
        stride_of(run),
        numbers["frame"].astype(np.int64),
        columns.t,
        columns.words["face.present"].equals(True),
        states.equals("closed"),
        ~(states.equals("open") | states.equals("closed")),
        np.stack([numbers["gaze.yaw"], numbers["gaze.pitch"]], axis=1),
        np.stack([numbers["head.yaw"], numbers["head.pitch"]], axis=1),
        columns.words["mouth.yawning"].equals(True),
        tuple(raised),
    )

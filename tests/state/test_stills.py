"""A still is all there is of it; a clip's single frame is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from driver_monitor.app import build
from driver_monitor.app.build import Request
from driver_monitor.bench.inspect import inspect
from driver_monitor.capture.recordings.images import read_image
from driver_monitor.data.observation import EXPRESSIONS, Expression
from driver_monitor.imaging.frame import Frame
from driver_monitor.state.expression.expression_tracker import ExpressionTracker
from driver_monitor.state.tracker import StateTracker
from tests.timeline import attentive, observe

HAPPY = Expression({name: 0.93 if name == "happiness" else 0.01 for name in EXPRESSIONS})


@pytest.mark.parametrize(("tracker", "label"), [(ExpressionTracker(0.0), "happiness"), (None, "uncertain")])
def test_ok__one_look_names_the_expression_of_a_still_and_not_of_a_clip(
    tracker: ExpressionTracker | None, label: str
) -> None:
    seen = StateTracker(tracker).update(replace(observe(0.0, attentive(1)), expression=HAPPY))
    assert seen.emotion is not None
    assert seen.emotion.label == label


class AlwaysHappy:
    """Stands for the expression net."""

    sha256 = ""

    def probabilities(self, face: object) -> Expression:
        return HAPPY


def test_ok__inspect_names_what_a_face_shows_and_the_first_frame_of_a_clip_does_not(still: Path) -> None:
    plan = build.load_plan(Request())
    models = replace(build.load_models(plan.config), expression=AlwaysHappy())  # type: ignore[arg-type]
    (seen,) = inspect([still], plan, models)
    assert seen["emotion"]["label"] == "happiness"
    first = build.build_pipeline(plan, models).step(Frame(read_image(still), 0.0, 0, "clip")).state
    assert first.emotion is not None
    assert first.emotion.label == "uncertain"

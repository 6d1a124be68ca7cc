"""How far the mouth is open does not depend on where the head points, as far as the mouth can be seen."""

from __future__ import annotations

import numpy as np
import pytest

from driver_monitor.data.observation import HeadPose
from driver_monitor.perception.face.mouth import mouth_opening
from tests.faces import points

AHEAD = HeadPose(0.0, 0.0, 0.0)


def test_ok__shut_is_zero_and_a_yawn_far_above_talking() -> None:
    assert mouth_opening(points(mouth=0.0), AHEAD) == pytest.approx(0.0)
    assert mouth_opening(points(mouth=0.8), AHEAD) == pytest.approx(0.8)


def test_ok__a_turned_head_narrows_the_mouth_but_does_not_make_a_yawn() -> None:
    turned = points(mouth=0.3)
    turned[:, 0] *= np.cos(np.radians(40))
    assert mouth_opening(turned, HeadPose(40, 0, 0)) == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize("head", [None, HeadPose(75, 0, 0)])
def test_fail__a_mouth_that_cannot_be_seen_is_unknown(head: HeadPose | None) -> None:
    assert mouth_opening(points(), head) is None


def test_fail__a_mouth_of_no_width_is_unknown() -> None:
    assert mouth_opening(np.zeros((70, 2), np.float32), AHEAD) is None

"""Exposure and gain of a V4L2 camera, with a stand-in for OpenCV's device: real ones need hardware."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import cv2
import pytest
from pydantic import ValidationError

from driver_monitor.capture import exposure
from driver_monitor.capture.exposure import set_exposure
from driver_monitor.config.schema import CameraConfig


class Controls:
    """A camera with some controls. `known`: their values and limits; what is not in it is refused."""

    def __init__(self, known: Mapping[int, tuple[float, ...]]) -> None:
        self.known, self.values = known, dict[int, float]()

    def set(self, control: int, value: float) -> bool:
        if control == cv2.CAP_PROP_AUTO_EXPOSURE:
            if value not in self.known.get(control, ()):
                return False
        elif control not in self.known:
            return False
        else:
            value = min(max(value, self.known[control][0]), self.known[control][1])
        self.values[control] = value
        return True

    def get(self, control: int) -> float:
        return self.values.get(control, 0.0)


UVC = {cv2.CAP_PROP_AUTO_EXPOSURE: (1, 3), cv2.CAP_PROP_EXPOSURE: (1, 5000), cv2.CAP_PROP_GAIN: (0, 100)}


def refused(controls: Controls, **config: Any) -> list[str]:
    return list(set_exposure(cast(Any, controls), CameraConfig(**config)))


def test_ok__a_fixed_exposure_and_gain_reach_the_camera() -> None:
    camera = Controls(UVC)
    assert refused(camera, exposure="fixed", exposure_ms=8.5, gain=30) == []
    assert camera.values == {
        cv2.CAP_PROP_AUTO_EXPOSURE: exposure.MANUAL,
        cv2.CAP_PROP_EXPOSURE: 85,
        cv2.CAP_PROP_GAIN: 30,
    }


def test_ok__the_camera_that_was_fixed_yesterday_chooses_itself_again_today() -> None:
    camera = Controls(UVC)
    refused(camera, exposure="fixed", exposure_ms=8)
    assert refused(camera) == []
    assert camera.values[cv2.CAP_PROP_AUTO_EXPOSURE] == exposure.APERTURE_PRIORITY


def test_ok__a_camera_with_another_kind_of_automatic() -> None:
    camera = Controls({cv2.CAP_PROP_AUTO_EXPOSURE: (0, 1)})
    assert refused(camera) == []
    assert camera.values[cv2.CAP_PROP_AUTO_EXPOSURE] == exposure.AUTO


def test_ok__a_camera_without_controls_is_no_fault_unless_one_is_asked_for() -> None:
    assert refused(Controls({})) == []
    (line,) = refused(Controls({}), exposure="fixed", exposure_ms=8, gain=3)
    assert line.startswith("refuses camera.exposure: fixed")


@pytest.mark.parametrize(
    ("known", "line"),
    [
        ({cv2.CAP_PROP_AUTO_EXPOSURE: (1,), cv2.CAP_PROP_GAIN: (0, 9)}, "refuses camera.exposure_ms: 10; "),
        ({**UVC, cv2.CAP_PROP_EXPOSURE: (1, 50)}, "uses an exposure of 5 ms, not of 10 ms; "),
        ({**UVC, cv2.CAP_PROP_GAIN: (0, 0)}, None),
        ({key: UVC[key] for key in (cv2.CAP_PROP_AUTO_EXPOSURE, cv2.CAP_PROP_EXPOSURE)}, "refuses camera.gain: 5; "),
    ],
)
def test_fail__each_control_that_is_refused_is_one_line(
    known: Mapping[int, tuple[float, ...]], line: str | None
) -> None:
    lines = refused(Controls(known), exposure="fixed", exposure_ms=10, gain=5)
    assert [one.startswith(line or "") for one in lines] == ([True] if line else [])


def test_ok__a_line_is_logged_once_however_often_the_camera_is_opened(caplog: pytest.LogCaptureFixture) -> None:
    exposure.warn_once.cache_clear()
    for _ in range(3):
        exposure.warn_once("camera 0: refuses camera.gain: 5")
    assert caplog.text.count("refuses camera.gain") == 1


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"exposure_ms": 8}, "need exposure: fixed"),
        ({"gain": 8}, "need exposure: fixed"),
        ({"exposure": "fixed"}, "needs exposure_ms"),
        ({"exposure": "fixed", "exposure_ms": 40}, "at 30 frames a second use at most 33.3"),
        ({"exposure": "fixed", "exposure_ms": 0}, "greater than or equal to 0.05"),
        ({"exposure": "manual"}, "'auto' or 'fixed'"),
    ],
)
def test_fail__an_exposure_that_cannot_work(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        CameraConfig(**values)

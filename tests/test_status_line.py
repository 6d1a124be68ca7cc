"""What `systemctl status` shows, and how a fault of the configuration is written."""

from __future__ import annotations

from typing import Any

import pytest

from driver_monitor.app.daemon import ReloadError
from driver_monitor.app.status import fault_text, status_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a.yaml:1: wrong", "a.yaml:1: wrong; it stays"),
        ("a.yaml:1: wrong\na.yaml:2: too\na.yaml:3: too", "a.yaml:1: wrong (and 2 more lines); it stays"),
        ("rtsp:/me:secret@10.0.0.2/x: no such file", "rtsp:/***@10.0.0.2/x: no such file; it stays"),
        (
            "camera.source: found 'rtsp://me:s:e@cret@10.0.0.2/'",
            "camera.source: found 'rtsp://***@10.0.0.2/'; it stays",
        ),
        ("", "; it stays"),
        ("x" * 5000, "x" * 297 + "...; it stays"),
    ],
)
def test_ok__a_fault_is_one_short_line_without_passwords(text: str, shown: str) -> None:
    assert fault_text(ReloadError(text), "it stays") == shown


@pytest.mark.parametrize(
    ("status", "line"),
    [
        ({"light": None}, "no frame yet"),
        ({"light": None, "config_fault": "x.yaml: wrong"}, "no frame yet; configuration: x.yaml: wrong"),
        ({"config_fault": "x.yaml: wrong"}, "driver: drowsy; camera: ok; configuration: x.yaml: wrong"),
        ({"attention": "attentive"}, "driver: attentive; camera: ok"),
        ({"attention": "attentive", "aim": True}, "driver: attentive; camera: ok; pictures are being shown (aim)"),
        ({"active": ["sleep", "nod"]}, "driver: drowsy; camera: ok; active: sleep, nod"),
        (
            {"attention": "unknown", "camera": {"state": "lost"}, "degraded": "no_camera", "active": ["camera_fault"]},
            "driver: unknown; camera: lost; degraded: no_camera; active: camera_fault",
        ),
    ],
)
def test_ok__systemctl_status_shows_driver_camera_and_active_alerts(status: dict[str, Any], line: str) -> None:
    usual = {"light": "day", "attention": "drowsy", "camera": {"state": "ok"}, "degraded": None, "active": ()}
    assert status_line({**usual, **status}) == line

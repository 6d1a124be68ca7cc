"""Tells which device `camera.source` names. Only text is checked: no device is looked for."""

from __future__ import annotations


def camera_device(source: str) -> str | None:
    """Return the path of the V4L2 device that `source` names (`0` is /dev/video0), None for any other source."""
    if source.isdecimal():
        return f"/dev/video{source}"
    return source if source.startswith("/dev/") else None

"""Judges the camera and what it sees, from frames of its own or from the status of a running daemon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from driver_monitor.doctor.verdicts.finding import Finding, not_checked, ok, trouble
from driver_monitor.doctor.verdicts.program import split
from driver_monitor.doctor.verdicts.running import number, part

if TYPE_CHECKING:
    from driver_monitor.data.observation import Observation

LEAST_FPS = 5.0
"""Lowest frame rate at which alerts are the same (docs/architecture.md: 5 to 60 frames a second)."""
SLOW_SHARE = 0.8
"""Share of the frame rate asked for below which it is told (ours). Cameras asked for 30 give 25, 29.97 or 30."""
DAMAGED_SHARE = 0.02
"""Share of damaged pictures from which it is told (ours)."""
BLIND = {
    "covered": ("the lens is covered", "take the cover off the lens, or clean it"),
    "frozen": ("the picture does not change", "unplug the camera and plug it in again, or restart the computer"),
    "turned_away": ("the camera does not look at the driver any more", "turn it back to the driver and fix it"),
}
BLOWN_OUT = ("the picture is blown out", "keep sun and lamp from shining into the lens")
POOR = {
    "out_of_focus": ("the picture is out of focus", "clean the lens, and turn its ring until the face is sharp"),
    "vibrating": ("the camera shakes", "fix the camera and its arm"),
}
"""Camera states in `status/`, what they mean, and what to do. With the last two there is a picture."""


@dataclass(frozen=True, slots=True)
class CameraFacts:
    """What a camera gave. `name`: for people. `fault`: the line of a `SourceError`. `absent`: it is not there.

    `format`: such as `MJPG`. `size`: width and height, pixels. `rate`: pictures per second; None: fewer than two came.
    `wanted`: `camera.fps`; None for a recording, which has its own rate.
    """

    name: str
    wanted: float | None
    fault: str | None = None
    absent: bool = False
    format: str | None = None
    size: tuple[int, int] | None = None
    rate: float | None = None
    frames: int = 0
    damaged: int = 0


def judge_camera(facts: CameraFacts) -> Iterator[Finding]:
    """Yield each fault of a camera that was opened, or one "ok"."""
    if facts.fault is not None:
        fault, advice = split(facts.fault, "check its cable and power")
        if facts.absent:
            yield trouble("camera.absent", fault=fault, advice=advice)
        else:
            yield trouble("camera.no_pictures", fault=fault, advice=advice)
        return
    if facts.rate is None:
        yield trouble("camera.ended", name=facts.name, frames=facts.frames)
        return
    width, height = facts.size or (0, 0)
    values = {"fps": round(facts.rate, 1), "width": width, "height": height, "format": facts.format}
    found = list(_rate(facts.name, facts.rate, facts.wanted, values))
    if facts.damaged > DAMAGED_SHARE * facts.frames:
        words = {"name": facts.name, "damaged": facts.damaged, "frames": facts.frames + facts.damaged}
        found.append(trouble("camera.damaged", values, **words))
    size = f"{facts.format or ''} {width}x{height}".strip()
    yield from found or [ok("camera", f"{facts.name}: {size}, {facts.rate:.1f} pictures a second", **values)]


def _rate(name: str, rate: float, wanted: float | None, values: Mapping[str, Any]) -> Iterator[Finding]:
    words = {"name": name, "rate": rate, "wanted": wanted, "least": LEAST_FPS}
    if rate < LEAST_FPS:
        yield trouble("camera.too_slow", values, **words)
    elif wanted is not None and rate < SLOW_SHARE * wanted:
        yield trouble("camera.slow", values, **words)


def judge_camera_of_daemon(status: Mapping[str, Any], wanted: float | None) -> Iterator[Finding]:
    """Yield what the status of a running daemon says of its camera. `wanted`: `camera.fps`, None: not known."""
    camera = part(status, "camera")
    name, rate = str(camera.get("source") or "the camera"), number(camera.get("fps"))
    if camera.get("state") == "lost":
        fault, advice = split(str(camera.get("fault") or ""), "check its cable and power")
        yield trouble("camera.lost", name=name, why=f": {fault}" if fault else "", advice=advice)
        return
    if rate is None:
        yield not_checked("camera", f"the running daemon says nothing of {name}")
        return
    values = {"fps": rate}
    # A daemon that is too slow, or too hot, processes fewer pictures than the camera gives: `speed` or `heat` tells it.
    all_used = camera.get("keeps_up", True) and not number(part(status, "board").get("step"))
    found = list(_rate(name, rate, wanted, values)) if all_used else []
    yield from found or [ok("camera", f"{name}, used by the daemon: {rate:.1f} pictures a second", **values)]


def judge_scene(observations: Sequence[Observation]) -> Iterator[Finding]:
    """Yield what is wrong with light, lens or mounting, from some seconds of one camera."""
    if not observations:
        yield not_checked("light", "there is no picture to judge")
        return
    from driver_monitor.installer.light import judge_light  # it needs numpy, which may be what is broken

    last = observations[-1]
    # What was found out in the end is what matters: a camera that stopped, a picture that is turned.
    light = judge_light(observations if last.camera == "ok" and last.rotate_to is None else [last])
    fault, _, advice = light.words.rstrip(".").partition(": ")
    values = {"verdict": light.verdict, "infrared": light.infrared}
    blind = last.camera != "ok" or last.rotate_to is not None or last.light == "dark"
    if light.verdict in ("too_dark", "over_exposed") or (light.verdict == "no_face" and blind):
        yield trouble("light.bad", values, fault=fault, advice=advice)
    elif light.verdict == "uneven":
        yield trouble("light.poor", values, fault=fault, advice=advice)
    elif light.verdict == "no_face" and last.light == "glare":
        yield trouble("light.poor", values, fault=BLOWN_OUT[0], advice=BLOWN_OUT[1])
    elif light.verdict == "no_face":
        yield not_checked("light", "no face is seen: sit in the driver's seat, look ahead, and run it again")
    else:
        yield ok("light", light.words.rstrip("."), **values)


def judge_scene_of_daemon(status: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what the status of a running daemon says of the light and of what it sees."""
    light, angle = status.get("light"), number(status.get("rotate_to"))
    state = str(part(status, "camera").get("state"))
    if light is None or state == "lost":
        yield not_checked("light", "the running daemon has no picture")
    elif state in BLIND:
        fault, advice = BLIND[state]
        yield trouble("light.bad", fault=f"the daemon reports that {fault}", advice=advice)
    elif state in POOR:
        fault, advice = POOR[state]
        yield trouble("light.poor", fault=f"the daemon reports that {fault}", advice=advice)
    elif angle is not None:
        yield trouble("light.bad", fault="the picture is turned", advice=f"set camera.rotate: {angle:.0f}")
    elif light == "dark":
        yield trouble(
            "light.bad", fault="the picture is dark", advice="switch the infrared lamp on and aim it at the face"
        )
    elif light == "glare":
        yield trouble("light.poor", fault=BLOWN_OUT[0], advice=BLOWN_OUT[1])
    elif not status.get("face"):
        yield not_checked("light", "the daemon sees no face: sit in the driver's seat, look ahead, and run it again")
    else:
        words = {"day": "daylight", "infrared": "infrared light"}.get(str(light), str(light))
        yield ok("light", f"{words}, the daemon sees a face", light=str(light))

"""Draw the faults of a camera into pictures, and harmless things that may look like one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import Box
from driver_monitor.imaging.frame import Image
from tools.measure.robustness import infrared

Weight = NDArray[np.floating]


@dataclass(frozen=True)
class Moment:
    """One picture (`image`) `s` seconds after the fault began.

    `still`: the last picture before it. `face`: the driver's face in it. `rng`: random numbers.
    """

    image: Image
    s: float
    still: Image
    face: Box
    rng: np.random.Generator


Fault = Callable[[Moment], Image]


@cache
def _noise(shape: tuple[int, ...]) -> NDArray[np.int16]:
    """Noise of a standard deviation of 16 grey levels. It is used again, shifted: to make new noise takes too long."""
    return (16 * np.random.default_rng(0).standard_normal(shape, np.float32)).astype(np.int16)


def noisy(image: Image, rng: np.random.Generator, sigma: float = 2.0) -> Image:
    noise = np.roll(_noise(image.shape), int(rng.integers(image.size)))
    return np.asarray(np.clip(image + (sigma * noise / 16).astype(np.int16), 0, 255), np.uint8)


def _soft(image: Image, sigma: float) -> Image:
    shrink = max(1, int(sigma / 4))
    size = image.shape[1], image.shape[0]
    small = cv2.resize(image, (size[0] // shrink, size[1] // shrink), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(cv2.GaussianBlur(small, (0, 0), sigma / shrink), size), np.uint8)


def _disk(image: Image, radius: float) -> Image:
    """Defocus: every point becomes a disk."""
    size = 2 * int(np.ceil(radius)) + 1
    y, x = np.ogrid[:size, :size]
    disk = np.clip(radius + 0.5 - np.hypot(x - size // 2, y - size // 2), 0, 1).astype(np.float32)
    return np.asarray(cv2.filter2D(image, -1, disk / disk.sum()), np.uint8)


def _mixed(image: Image, other: Image | float, weight: Weight) -> Image:
    """`other` laid over `image`; `weight` (H, W) is its share."""
    weight = weight[..., None] if image.ndim == 3 else weight
    return np.asarray(np.clip(image * (1 - weight) + np.asarray(other, np.float32) * weight, 0, 255), np.uint8)


def _across(image: Image) -> Weight:
    """0 at the left edge of the picture, 1 at the right one."""
    return np.tile(np.linspace(0, 1, image.shape[1], dtype=np.float32), (image.shape[0], 1))


def hand(m: Moment) -> Image:
    """A hand close to the lens: dark, without edges, with light at one side."""
    dark = np.clip(_soft(m.image, 60) * 0.3, 0, 255).astype(np.uint8)
    return noisy(_mixed(dark, 255.0, 0.12 * _across(dark)), m.rng)


def cloth(m: Moment) -> Image:
    """A cloth or a sleeve over the lens: hardly any light."""
    return noisy(np.full_like(m.image, 12), m.rng)


def paper(m: Moment) -> Image:
    """White paper on the lens, lit from behind."""
    return noisy(np.clip(_soft(m.image, 80) * 0.3 + 140, 0, 255).astype(np.uint8), m.rng)


def frosted_tape(m: Moment) -> Image:
    """Frosted adhesive tape: light passes, shapes do not."""
    return noisy(np.clip(_soft(m.image, 28) * 0.6 + 60, 0, 255).astype(np.uint8), m.rng)


def covered_face_half(m: Moment) -> Image:
    """Something hangs before the lens, over the driver and most of the picture; a rim stays free."""
    middle = (m.face.x + m.face.w / 2) / m.image.shape[1]
    ramp = _across(m.image) if middle < 0.5 else 1 - _across(m.image)
    return noisy(_mixed(m.image, 35.0, np.clip((0.85 - ramp) / 0.08, 0, 1)), m.rng)


def visor(m: Moment) -> Image:
    """A sun visor or a hanging cloth covers the picture from the top to below the chin."""
    down = np.broadcast_to(np.linspace(0, 1, m.image.shape[0], dtype=np.float32)[:, None], m.image.shape[:2])
    edge = min(0.9, (m.face.y + m.face.h) / m.image.shape[0] + 0.15)
    return noisy(_mixed(m.image, 40.0, np.clip((edge - down) / 0.06, 0, 1)), m.rng)


def frozen(m: Moment) -> Image:
    """The same picture again."""
    return m.still


def frozen_encoded(m: Moment) -> Image:
    """The same picture, refined by an encoder, with a clock that runs."""
    picture = np.array(m.still)
    picture[::7, ::5] += m.rng.integers(0, 2, picture[::7, ::5].shape, np.uint8)
    cv2.putText(picture, f"{m.s:09.3f}", (8, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255,) * 3, 2)
    return picture


def _beside(m: Moment) -> Image:
    """The largest part of the picture beside, above or below the face."""
    height, width = m.still.shape[:2]
    pad = 0.35 * m.face.w
    left, right = int(m.face.x - pad), int(m.face.x + m.face.w + pad)
    top, bottom = int(m.face.y - 1.5 * pad), int(m.face.y + m.face.h + pad)
    parts = [m.still[:, : max(0, left)], m.still[:, right:], m.still[: max(0, top)], m.still[bottom:]]
    best = max(parts, key=lambda part: min(part.shape[0], 0.75 * part.shape[1]))
    return best if best.size else m.still[: height // 4, : width // 4]


def turned_up(m: Moment) -> Image:
    """The camera looks at another part of the cabin."""
    size = m.image.shape[1], m.image.shape[0]
    return noisy(np.asarray(cv2.resize(_beside(m), size, interpolation=cv2.INTER_CUBIC), np.uint8), m.rng, 3)


def _panned(image: Image, m: Moment, share: float) -> Image:
    """The camera turned aside by `share` of the picture's width; beside the picture is more of the cabin."""
    width = image.shape[1]
    other = np.asarray(cv2.resize(_beside(m), (width, image.shape[0])), np.uint8)[:, ::-1]
    at = round(share * width)
    away = m.face.x + m.face.w / 2 < width / 2
    return np.ascontiguousarray(
        np.hstack([image[:, at:], other[:, :at]])
        if away
        else np.hstack([other[:, width - at :], image[:, : width - at]])
    )


def turned_aside(m: Moment) -> Image:
    """The camera is turned aside at once, until the face is out of the picture."""
    return noisy(_panned(m.image, m, 0.75), m.rng)


def turned_slowly(m: Moment) -> Image:
    """The camera sinks aside within 4 s."""
    return noisy(_panned(m.image, m, 0.8 * min(1.0, m.s / 4)), m.rng)


def turned_round(m: Moment) -> Image:
    """The camera fell down and looks at something else: shapes of many kinds, drawn."""
    rng = np.random.default_rng(8)
    height, width = m.image.shape[:2]
    level = float(np.median(m.image))
    floor = np.full_like(m.image, round(level))
    for _ in range(60):
        corners = rng.integers(-40, (width, height), (1, 2)) + rng.integers(-90, 90, (5, 2))
        cv2.fillPoly(floor, [corners.astype(np.int32)], (float(rng.uniform(0.3, 1.7) * level),) * 3)
    return noisy(_soft(floor, 1.5), m.rng)


def defocus(m: Moment, radius: float = 7.0) -> Image:
    """The lens is out of focus at once. `radius`: of the disk of a point, pixels at 640x480."""
    return noisy(_disk(m.image, radius * m.image.shape[1] / 640), m.rng)


def defocus_slow(m: Moment) -> Image:
    """The focus drifts away within 5 s."""
    return noisy(_disk(m.image, 8 * min(1.0, m.s / 5) * m.image.shape[1] / 640 + 0.3), m.rng)


def grease(m: Moment) -> Image:
    """A greasy film: soft, with a veil of scattered light."""
    scale = m.image.shape[1] / 640
    film = 0.75 * _soft(m.image, 6 * scale).astype(np.float32) + 0.25 * _soft(m.image, 25 * scale).astype(np.float32)
    return noisy(np.clip(0.92 * film + 0.08 * _soft(m.image, 2 * scale) + 12, 0, 255).astype(np.uint8), m.rng)


def _moved(image: Image, x: float, y: float, turn: float = 0.0) -> Image:
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, 1.0)
    matrix[:, 2] += (x * width, y * width)
    return np.asarray(cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def vibration(m: Moment, size: float = 0.012) -> Image:
    """A loose holder: 11 and 17 Hz, up to 8 pixels at 640x480."""
    x = size * (0.7 * np.sin(2 * np.pi * 11.3 * m.s) + 0.3 * np.sin(2 * np.pi * 17.1 * m.s))
    y = size * np.sin(2 * np.pi * 13.7 * m.s + 1)
    return noisy(_moved(m.image, x, y, 40 * x), m.rng)


def rattle(m: Moment) -> Image:
    """A holder that rattles without any rhythm."""
    x, y = m.rng.normal(0, 0.009, 2)
    return noisy(_moved(m.image, float(x), float(y)), m.rng)


def as_it_is(m: Moment) -> Image:
    """Nothing happens."""
    return m.image


def hand_for_a_second(m: Moment) -> Image:
    """A hand passes the lens, for 1 s, twice."""
    return hand(m) if m.s < 1.0 or 6.0 < m.s < 7.0 else m.image


def empty_seat(m: Moment) -> Image:
    """The driver is gone: what was behind is drawn in, plain, from the chin's half width to the bottom."""
    height, width = m.image.shape[:2]
    face = m.face
    left, right = int(face.x - 0.45 * face.w), int(face.x + 1.45 * face.w)
    mask = np.zeros((height, width), np.float32)
    mask[max(0, int(face.y - 0.6 * face.h)) :, max(0, left) : max(0, right)] = 1
    soft = np.asarray(cv2.GaussianBlur(mask, (0, 0), 6), np.float32)
    return noisy(_mixed(m.image, float(np.median(m.image)) * 0.7, soft), m.rng)


def tunnel(m: Moment) -> Image:
    """A tunnel by day: a fifth of the light, lamps that pass."""
    return noisy(np.clip(m.image * (0.2 + 0.15 * (np.sin(6 * m.s) > 0.8)), 0, 255).astype(np.uint8), m.rng, 3)


def sun_flickers(m: Moment) -> Image:
    """Trees before a low sun: half of the picture flickers."""
    light = 1 + 0.7 * np.sin(14 * m.s) * (_across(m.image) > 0.5 + 0.3 * np.sin(5 * m.s))
    levels = m.image * (light[..., None] if m.image.ndim == 3 else light)
    return np.asarray(np.clip(levels, 0, 255), np.uint8)


def lamp_goes_on(m: Moment) -> Image:
    """The light changes to an infrared lamp."""
    return infrared(m.image, int(m.s * 1000))


def pothole(m: Moment) -> Image:
    """A bad road: knocks of half a second every three seconds."""
    knocked = m.s % 3 < 0.5
    return _moved(m.image, 0.012 * np.sin(70 * m.s), 0.016 * np.sin(83 * m.s)) if knocked else m.image


def nudged(m: Moment) -> Image:
    """The camera was nudged by 5 % of the picture; the face is still in it."""
    return _moved(m.image, 0.05, 0.03)


def turned_head(m: Moment) -> Image:
    """An arm or a newspaper hides the face for some seconds; the cabin stays."""
    face = m.face
    mask = np.zeros(m.image.shape[:2], np.float32)
    mask[
        max(0, int(face.y - 0.5 * face.h)) : int(face.y + 1.2 * face.h),
        max(0, int(face.x - 0.4 * face.w)) : int(face.x + 1.4 * face.w),
    ] = 1
    return noisy(_mixed(m.image, 120.0, mask), m.rng)


FAULTS: dict[str, tuple[Fault, str]] = {
    "covered_hand": (hand, "covered"),
    "covered_cloth": (cloth, "covered"),
    "covered_paper": (paper, "covered"),
    "covered_frosted_tape": (frosted_tape, "covered"),
    "covered_in_part": (covered_face_half, "covered"),
    "covered_visor": (visor, "covered"),
    "frozen": (frozen, "frozen"),
    "frozen_encoded": (frozen_encoded, "frozen"),
    "turned_up": (turned_up, "turned_away"),
    "turned_aside": (turned_aside, "turned_away"),
    "turned_slowly": (turned_slowly, "turned_away"),
    "turned_round": (turned_round, "turned_away"),
    "defocus": (defocus, "out_of_focus"),
    "defocus_slight": (partial(defocus, radius=4.0), "out_of_focus"),
    "defocus_strong": (partial(defocus, radius=14.0), "out_of_focus"),
    "defocus_slow": (defocus_slow, "out_of_focus"),
    "grease": (grease, "out_of_focus"),
    "vibration": (vibration, "vibrating"),
    "vibration_small": (partial(vibration, size=0.007), "vibrating"),
    "rattle": (rattle, "vibrating"),
    **{
        fault.__name__: (fault, "ok")
        for fault in (
            as_it_is, hand_for_a_second, empty_seat, tunnel, sun_flickers, lamp_goes_on, pothole, nudged, turned_head
        )
    },
}  # fmt: skip
"""Each fault, and the camera state that must be told; "ok": none."""

"""Films of flashes, made of two pictures: what `tools.flashes.measure` measures with."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.mean_face import MEAN_FACE
from tools.flashes.morph import FPS, Flash, Morph, Photograph, film

MOUTH = slice(48, 60)


def photograph(wider: float = 0.0) -> Photograph:
    """A drawn face 90 pixels wide between the eyes' corners, its lips drawn apart by a share of their width."""
    points = MEAN_FACE[:68, :2] * (90, -90) + (128, 120)
    points[MOUTH, 0] += wider * (points[MOUTH, 0] - points[MOUTH, 0].mean())
    grey = np.full((256, 256), 140, np.uint8)
    cv2.fillPoly(grey, [points[MOUTH].round().astype(np.int32)], 40)
    return Photograph(grey, points)


def width_of_lips(picture: np.ndarray) -> int:
    """The width of what is dark, pixels."""
    return int((picture < 90).any(0).sum())


def test_ok__a_morph_goes_from_one_picture_to_the_other() -> None:
    morph = Morph(photograph(), photograph(0.4))
    ends = [width_of_lips(photograph(wider).grey) for wider in (0.0, 0.4)]
    widths = [width_of_lips(morph.picture(strength)) for strength in (0.0, 0.5, 1.0)]
    assert widths == sorted(widths)
    assert widths[0] == pytest.approx(ends[0], abs=2)
    assert widths[2] == pytest.approx(ends[1], rel=0.12)
    assert width_of_lips(morph.weakened(0.5).picture(1.0)) == pytest.approx(widths[1], abs=1)


def test_ok__a_flash_is_in_the_film_when_it_should_be() -> None:
    flash = Flash(0.4, 0.7)
    frames = list(film(Morph(photograph(), photograph(0.4)), [flash], 1.0, (1, 2)))
    widths = np.array([width_of_lips(frame.grey) for frame in frames])
    shown = [frame.t for frame, width in zip(frames, widths, strict=True) if width > (widths.min() + widths.max()) / 2]
    assert len(frames) == FPS
    assert shown[0] == pytest.approx(flash.start, abs=0.07)
    assert shown[-1] == pytest.approx(flash.end, abs=0.07)


def test_ok__the_same_seed_gives_the_same_film() -> None:
    morph = Morph(photograph(), photograph(0.4))
    one, same, other = ([frame.grey for frame in film(morph, [], 0.1, (seed,))] for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(("ramp_s", "strengths"), [(0.0, [0, 1, 1, 0]), (0.1, [0, 0.5, 1, 0.5])])
def test_ok__a_flash_comes_at_once_or_within_the_ramp(ramp_s: float, strengths: list[float]) -> None:
    assert [Flash(1.0, 1.4).strength(t, ramp_s) for t in (0.9, 1.0, 1.2, 1.4)] == pytest.approx(strengths)


def test_fail__faces_that_cannot_be_brought_over_each_other() -> None:
    point = Photograph(photograph().grey, np.full((68, 2), 100.0))
    with pytest.raises(ValueError, match="cannot be brought over each other"):
        Morph(point, point)

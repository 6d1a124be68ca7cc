from __future__ import annotations

import json
import math
from pathlib import Path

import av
import cv2
import dlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor import demo
from driver_monitor.config import resources
from driver_monitor.data.observation import Box
from driver_monitor.errors import ModelError
from driver_monitor.perception.face.landmarks import (
    IMAGE_SIZE,
    POINTS,
    Crop,
    LandmarkNet,
    crop_of_box,
    face_crop,
)
from driver_monitor.perception.face.tracker import ACCEPT_FROM, KEEP_FROM
from tests.conftest import SHARED
from tests.mean_face import MEAN_FACE
from tests.tiny_onnx import copying_model

NIR = SHARED / "data" / "nir"
YUNET = SHARED / "anchors" / "yunet_2023mar.onnx"

places = st.floats(-200, 900)
crops = st.builds(Crop, places, places, st.floats(20, 800), st.floats(-60, 60))


def _a_face(scale: float = 100.0, roll: float = 0.0, at: tuple[float, float] = (320.0, 240.0)) -> np.ndarray:
    """Draw the mean face as points: `roll` degrees clockwise in the picture."""
    angle = math.radians(roll)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return np.asarray(MEAN_FACE[:, :2] * [1, -1] * scale @ turn.T + at)


def _lid_gap(points: np.ndarray) -> float:
    """Return the lids' distance over the eye's width, the mean of both eyes."""
    gap = sum(np.linalg.norm(points[a] - points[b]) for a, b in ((37, 41), (38, 40), (43, 47), (44, 46))) / 2
    return float(gap / (np.linalg.norm(points[36] - points[39]) + np.linalg.norm(points[42] - points[45])))


@pytest.fixture(scope="module")
def net() -> LandmarkNet:
    return LandmarkNet(resources.path("models/landmarks.onnx"))


@given(crops, st.lists(st.tuples(places, places), min_size=1, max_size=5))
def test_ok__crop_units_and_frame_pixels_are_two_ways_of_saying_one_place(
    crop: Crop, points: list[tuple[float, float]]
) -> None:
    there = np.array(points)
    assert np.allclose(crop.to_frame(crop.to_units(there)), there, atol=0.02)


@given(st.floats(60, 400), st.floats(-40, 40), st.floats(0.2, 0.8), st.floats(0.2, 0.8))
def test_ok__what_is_cut_lies_where_the_units_say(side: float, roll: float, u: float, v: float) -> None:
    crop = Crop(320, 240, side, roll)
    x, y = crop.to_frame(np.array([u, v]))
    picture = np.zeros((480, 640), np.uint8)
    radius = 0.04 * side
    cv2.circle(picture, (round(float(x) * 16), round(float(y) * 16)), round(radius * 16), 255, -1, cv2.LINE_AA, 4)
    patch = crop.cut(picture).astype(float)
    rows, columns = np.mgrid[:IMAGE_SIZE, :IMAGE_SIZE]
    centre = np.array([(columns * patch).sum(), (rows * patch).sum()]) / patch.sum()
    assert (centre + 0.5) / IMAGE_SIZE == pytest.approx([u, v], abs=0.5 / IMAGE_SIZE)


@given(st.floats(20, 200), st.floats(-50, 50))
def test_ok__the_crop_turns_and_grows_with_the_face(scale: float, roll: float) -> None:
    upright = face_crop(_a_face())
    crop = face_crop(_a_face(scale, roll))
    assert crop.roll == pytest.approx(roll, abs=0.01)
    assert crop.side == pytest.approx(upright.side * scale / 100, rel=1e-4)
    assert crop.to_units(_a_face(scale, roll)) == pytest.approx(upright.to_units(_a_face()), abs=1e-4)


def test_ok__a_face_fills_its_crop_with_the_margin_reported() -> None:
    units = face_crop(_a_face()).to_units(_a_face())[:68]
    low, high = units.min(axis=0), units.max(axis=0)
    assert (low + high) / 2 == pytest.approx([0.5, 0.5], abs=1e-4)
    assert (high - low).max() == pytest.approx(1 / 1.4, abs=1e-4)


def test_ok__a_blink_does_not_tilt_the_crop() -> None:
    winking = _a_face()
    winking[[37, 38]] = winking[[41, 40]]
    assert face_crop(winking).roll == pytest.approx(0, abs=0.01)


def test_ok__a_crop_beyond_the_frame_repeats_its_edge() -> None:
    picture = np.full((480, 640), 90, np.uint8)
    assert (Crop(0, 0, 300, 20).cut(picture) == 90).all()
    assert (Crop(-5000, 9000, 300).cut(picture) == 90).all()


def test_ok__a_detectors_box_moves_and_scales_its_crop() -> None:
    near, far = crop_of_box(Box(100, 80, 120, 120), "hog"), crop_of_box(Box(210, 170, 60, 60), "hog")
    assert near.side == pytest.approx(2 * far.side)
    assert near.side > 120
    assert near.roll == far.roll == 0.0
    assert near.cx - 160 == pytest.approx(2 * (far.cx - 240))


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_fail__an_empty_wall_is_no_face(net: LandmarkNet, grey: int) -> None:
    seen = net.read(np.full((480, 640), grey, np.uint8), Crop(320, 240, 200))
    assert seen.score < 0.5
    assert seen.points.shape == (POINTS, 2)
    assert np.isfinite(seen.points).all()
    assert seen.turn @ seen.turn.T == pytest.approx(np.eye(3), abs=1e-6)


def test_fail__noise_is_no_face(net: LandmarkNet) -> None:
    picture = np.random.default_rng(4).integers(0, 256, (480, 640), dtype=np.uint8)
    assert net.read(picture, Crop(320, 240, 200)).score < 0.5


def test_fail__of_sixty_pictures_of_noise_hardly_one_is_a_new_face(net: LandmarkNet) -> None:
    random = np.random.default_rng(4)
    sides = (112, 140, 160, 200, 260, 400)
    pictures = (random.integers(0, 256, (480, 640), dtype=np.uint8) for _ in range(10 * len(sides)))
    scores = [net.read(picture, Crop(320, 240, side)).score for picture, side in zip(pictures, 10 * sides, strict=True)]
    assert np.mean(np.array(scores) >= KEEP_FROM) < 0.25
    assert np.mean(np.array(scores) >= ACCEPT_FROM) < 0.05


def test_ok__the_same_picture_gives_the_same_points(net: LandmarkNet) -> None:
    picture = np.random.default_rng(4).integers(0, 256, (480, 640), dtype=np.uint8)
    first, second = (net.read(picture, Crop(300, 200, 150, 10)) for _ in range(2))
    assert np.array_equal(first.points, second.points)
    assert np.array_equal(first.turn, second.turn)
    assert (first.score, first.mouth_hidden) == (second.score, second.mouth_hidden)
    assert first.points.dtype == np.float32


def test_fail__another_model_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "eyes.onnx"
    path.write_bytes(copying_model({"image": (None, 1, 32, 48)}, {"closed": (None, 1, 32, 48)}))
    with pytest.raises(ModelError, match=r"eyes\.onnx: another model than expected") as refused:
        LandmarkNet(path)
    assert "\n" not in str(refused.value)


def test_fail__half_a_model_is_refused_in_one_line(tmp_path: Path) -> None:
    whole = resources.path("models/landmarks.onnx").read_bytes()
    path = tmp_path / "landmarks.onnx"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="damaged or cut short") as refused:
        LandmarkNet(path)
    assert "\n" not in str(refused.value)


def test_ok__the_demos_face_is_followed_and_shuts_its_eyes_when_it_does(net: LandmarkNet) -> None:
    """Follow NASA's portrait through the closure of the bundled clip, by the net's own points alone."""
    events = json.loads(demo.TRUTH.read_text())["events"]
    closure = max(
        (event for event in events if event["type"] == "eyes_closed"), key=lambda event: event["end"] - event["start"]
    )
    first, last = closure["start"], closure["end"]
    ratios: dict[int, float] = {}
    crop: Crop | None = None
    with av.open(str(demo.CLIP)) as clip:
        for number, frame in enumerate(clip.decode(video=0)):
            if number < first - 30 or number % 3:
                continue
            if number > last:
                break
            picture = np.ascontiguousarray(frame.to_ndarray(format="gray"))
            if crop is None:
                found = dlib.get_frontal_face_detector()(picture)[0]
                crop = crop_of_box(Box(found.left(), found.top(), found.width(), found.height()), "hog")
            seen = net.read(picture, crop)
            assert seen.score > 0.5, number
            crop, ratios[number] = face_crop(seen.points), _lid_gap(seen.points)
    open_ = [ratio for number, ratio in ratios.items() if first - 24 < number < first - 5]
    shut = [ratio for number, ratio in ratios.items() if first + 5 < number < last - 5]
    assert max(shut) < 0.6 * min(open_)


@pytest.mark.skipif(not (NIR.exists() and YUNET.exists()), reason="needs the near-infrared stills beside the project")
def test_ok__eyes_nose_and_mouth_of_infrared_faces_are_where_another_detector_sees_them(net: LandmarkNet) -> None:
    detector = cv2.FaceDetectorYN.create(str(YUNET), "", (640, 360), 0.5)
    errors = []
    for path in sorted(NIR.glob("*.jpg"))[::6]:
        still = np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.uint8)
        picture = np.asarray(cv2.resize(still, (640, 360)), np.uint8)
        _, faces = detector.detect(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR))
        box = Box(*(float(value) for value in faces[0, :4]))
        first = net.read(picture, crop_of_box(box, "yunet"))
        found = net.read(picture, face_crop(first.points))
        assert found.score > 0.5, path.name
        points = found.points
        seen = np.array([points[36:42].mean(0), points[42:48].mean(0), points[30], points[48], points[54]])
        truth = faces[0, 4:14].reshape(5, 2)
        errors.append(np.linalg.norm(seen - truth, axis=1).mean() / np.linalg.norm(truth[0] - truth[1]))
    assert np.median(errors) < 0.1
    assert max(errors) < 0.2

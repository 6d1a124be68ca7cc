"""Which detector searches is the user's choice; whatever picture comes, it answers boxes or nothing."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driver_monitor.app import build
from driver_monitor.config import resources
from driver_monitor.config.schema import Config, FaceConfig, ModelsConfig
from driver_monitor.errors import ModelError
from driver_monitor.imaging.frame import Image
from driver_monitor.perception.face.detectors.hog import HogDetector
from driver_monitor.perception.face.detectors.net_detector import (
    CELL,
    FAINT,
    LONG_SIDE,
    NetDetector,
    decode,
    distinct,
    even_out,
    proposed,
    shrink,
)
from driver_monitor.perception.face.detectors.open_detector import open_detector
from driver_monitor.perception.face.detectors.yunet_detector import YunetDetector
from driver_monitor.perception.face.landmarks import LandmarkNet
from driver_monitor.perception.face.tracker import FaceTracker
from tests.conftest import SHARED, demo_frames

MODELS = resources.path("models")
NET = NetDetector(MODELS / "detector.onnx")
YUNET = SHARED / "anchors" / "yunet_2023mar.onnx"
needs_yunet = pytest.mark.skipif(not YUNET.exists(), reason="no YuNet file beside the project")


def config(detector: str, folder: Path | None = None) -> Config:
    return Config(face=FaceConfig(detector=detector), models=ModelsConfig(folder=folder))


def without_detector(folder: Path) -> Path:
    for path in MODELS.iterdir():
        if path.name != "detector.onnx" and path.is_file():
            shutil.copy(path, folder)
    return folder


def awake() -> Image:
    return np.ascontiguousarray(demo_frames(20, 21)[0].mean(axis=2).astype(np.uint8))


def test_ok__our_own_net_searches_unless_reported_otherwise() -> None:
    assert isinstance(build.load_models(Config()).detector, NetDetector)


def test_ok__hog_searches_where_the_config_says_so_and_alerts_then_name_another_set_of_models() -> None:
    ours, hog = build.load_models(config("auto")), build.load_models(config("hog"))
    assert isinstance(hog.detector, HogDetector)
    assert ours.digest != hog.digest


@needs_yunet
def test_ok__a_yunet_file_named_by_the_user_searches_and_is_part_of_the_models_hash() -> None:
    models = build.load_models(config(str(YUNET)))
    assert isinstance(models.detector, YunetDetector)
    assert models.digest != build.load_models(config("hog")).digest
    assert len(models.detector.find(awake())) == 1


def test_ok__where_our_file_is_missing_hog_searches_and_the_log_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        models = build.load_models(config("auto", without_detector(tmp_path)))
    assert isinstance(models.detector, HogDetector)
    said = [record.getMessage() for record in caplog.records if "detector.onnx" in record.getMessage()]
    assert len(said) == 1
    assert "HOG" in said[0]


@pytest.mark.parametrize("share", [0.0, 0.5, 0.98])
def test_fail__a_damaged_file_of_ours_is_an_error_and_no_silent_fallback(tmp_path: Path, share: float) -> None:
    data = (MODELS / "detector.onnx").read_bytes()
    (tmp_path / "detector.onnx").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ModelError, match=r"detector\.onnx: .*damaged or cut short") as refused:
        open_detector("auto", tmp_path)
    assert "\n" not in str(refused.value)


def test_fail__another_model_under_the_detectors_name(tmp_path: Path) -> None:
    shutil.copy(MODELS / "landmarks.onnx", tmp_path / "detector.onnx")
    with pytest.raises(ModelError, match="another model than expected"):
        open_detector("auto", tmp_path)


@pytest.mark.parametrize("name", ["a" * 300, "shut off"])
def test_fail__a_folder_that_may_not_be_looked_into_is_an_error_and_not_a_missing_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    if name == "shut off":
        look = Path.stat

        def refuse(path: Path, *, follow_symlinks: bool = True) -> object:
            if name in path.parts:
                raise PermissionError(13, "Permission denied", str(path))
            return look(path, follow_symlinks=follow_symlinks)

        monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(ModelError, match=r"detector\.onnx: cannot read the model"):
        open_detector("auto", tmp_path / name)


def test_fail__a_folder_that_is_not_there_is_one_line_and_no_word_of_hog(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ModelError, match=r"landmarks\.onnx: cannot read the model"):
        build.load_models(config("auto", tmp_path / "none"))
    assert caplog.messages == []


def test_fail__a_pipe_under_a_models_name_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "faces.onnx")
    with pytest.raises(ModelError, match="not a regular file"):
        open_detector(str(tmp_path / "faces.onnx"), MODELS)


@needs_yunet
def test_ok__opencv_has_nothing_to_add_to_a_yunet_file(capfd: pytest.CaptureFixture[str]) -> None:
    open_detector(str(YUNET), MODELS)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("content", [b"", b"GIF89a", None, "ours"])
def test_fail__a_named_file_that_is_no_yunet_is_refused_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], content: bytes | str | None
) -> None:
    path = tmp_path / "faces.onnx"
    if content == "ours":
        shutil.copy(MODELS / "landmarks.onnx", path)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(ModelError) as refused:
        open_detector(str(path), MODELS)
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)
    assert capfd.readouterr().err == ""


@needs_yunet
def test_fail__a_yunet_file_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "faces.onnx"
    path.write_bytes(YUNET.read_bytes()[:100_000])
    with pytest.raises(ModelError, match="not a YuNet model, or damaged"):
        open_detector(str(path), MODELS)


@pytest.mark.parametrize("name", ["yunet", "Auto", "", "models/detector.pt"])
def test_fail__a_detector_nobody_knows_is_reported_with_the_choices(name: str) -> None:
    with pytest.raises(ValueError, match=r"expected auto, hog or the path of a YuNet \.onnx file"):
        FaceConfig(detector=name)


def test_ok__the_face_of_the_demo_is_found_by_day_and_at_a_sixteenth_of_the_light() -> None:
    grey = awake()
    (day,) = NET.find(grey)
    noise = np.random.default_rng(0).normal(0, 2, grey.shape)
    night = NET.find(np.clip(grey / 16 + noise, 0, 255).astype(np.uint8))
    assert len(night) == 1
    assert abs(night[0].x - day.x) + abs(night[0].y - day.y) < day.w / 3


@pytest.mark.parametrize("turned", [False, True])
def test_ok__the_tracker_takes_what_our_net_proposes_in_landscape_and_in_upright_pictures(turned: bool) -> None:
    grey = awake()
    if turned:
        side = np.full((grey.shape[1] * 4 // 3, grey.shape[1]), 60, np.uint8)
        side[100 : 100 + grey.shape[0]] = grey
        grey = side
    assert FaceTracker(NET, LandmarkNet(MODELS / "landmarks.onnx"), 10.0).update(grey, 0.0) is not None


@settings(max_examples=40)
@given(
    height=st.integers(1, 400),
    width=st.integers(1, 400),
    level=st.integers(0, 255),
    seed=st.none() | st.integers(0, 99),
)
def test_ok__any_picture_gives_finite_boxes_surest_first(height: int, width: int, level: int, seed: int | None) -> None:
    grey = np.full((height, width), level, np.uint8)
    if seed is not None:
        grey = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    rows = NET.rows(grey)
    assert np.isfinite(rows).all()
    assert (np.diff(rows[:, 4]) <= 0).all()
    assert (rows[:, 4] >= FAINT).all()
    assert len(NET.find(grey)) == len(proposed(rows))


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1), (3, 2000), (2160, 3840)])
def test_ok__odd_shapes_and_black_pictures_hold_no_face(shape: tuple[int, int]) -> None:
    assert NET.find(np.zeros(shape, np.uint8)) == []


def cells(*faces: tuple[int, int, float, float]) -> np.ndarray:
    """An answer of the net with faces of 64 pixels in these cells: column, row, score, rightward shift in cells."""
    answer = np.zeros((7, 30, 40), np.float32)
    for x, y, score, right in faces:
        answer[:, y, x] = (score, right, 0, np.log(2), np.log(2), 0.4, 0.1)
    return answer


def test_ok__two_cells_that_mean_one_face_give_one_box_and_two_faces_give_two() -> None:
    rows = distinct(decode(cells((10, 10, 0.8, 0.5), (11, 10, 0.9, -0.5), (30, 20, 0.7, 0.0)), FAINT))
    assert rows[:, 4] == pytest.approx([0.9, 0.7])
    assert rows[0, :4] == pytest.approx([11 * CELL - 32, 10.5 * CELL - 32, 64, 64])


def test_ok__a_faint_face_is_proposed_only_where_none_is_sure() -> None:
    hidden = distinct(decode(cells((10, 10, 0.4, 0.0), (30, 20, 0.35, 0.0)), FAINT))
    assert proposed(hidden)[:, 4] == pytest.approx([0.4])
    seen = distinct(decode(cells((10, 10, 0.9, 0.0), (30, 20, 0.45, 0.0)), FAINT))
    assert proposed(seen)[:, 4] == pytest.approx([0.9])
    assert len(proposed(distinct(decode(cells((10, 10, 0.2, 0.0)), FAINT)))) == 0


def test_fail__answers_that_are_no_numbers_are_no_faces() -> None:
    answer = cells((10, 10, 0.9, float("nan")), (20, 10, float("nan"), 0.0), (30, 10, 0.9, 0.0))
    answer[3, 10, 30] = 1e30
    rows = decode(answer, FAINT)
    assert np.isfinite(rows).all()
    assert len(rows) == 1


def test_ok__a_crowd_is_cut_off() -> None:
    answer = np.zeros((7, 30, 40), np.float32)
    answer[0] = 1.0
    answer[3:5] = -2.0
    assert len(distinct(decode(answer, FAINT))) == 10


@pytest.mark.parametrize("size", [(1280, 960), (1920, 1440)])
def test_ok__the_net_sees_the_same_small_picture_whatever_the_width(size: tuple[int, int]) -> None:
    grey = awake()
    small, wide = shrink(grey), shrink(np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_CUBIC), np.uint8))
    assert wide.shape == small.shape
    assert np.abs(wide.astype(float) - small).mean() < 1.5


def test_ok__little_light_looks_like_much_light() -> None:
    grey = shrink(awake())
    day, dusk = even_out(grey), even_out((grey // 4).astype(np.uint8))
    assert grey.shape[0] % 32 == grey.shape[1] % 32 == 0
    assert max(grey.shape) == LONG_SIDE
    assert np.corrcoef(day.ravel(), dusk.ravel())[0, 1] > 0.97
    assert dusk.std() > 0.8 * day.std()

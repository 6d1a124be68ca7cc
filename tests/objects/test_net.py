"""The crop around the face, and the net's file. What the shipped net answers is measured by `tools.objects`."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from driver_monitor.app import build
from driver_monitor.app.build import Models, Request
from driver_monitor.bench.inspect import sentence
from driver_monitor.capture.recordings.images import read_image
from driver_monitor.config import resources
from driver_monitor.errors import ModelError
from driver_monitor.imaging.frame import Frame
from driver_monitor.nets import manifest
from driver_monitor.perception.objects.net import ANSWERS, FACES_WIDE, SIZE, ObjectsNet, objects_crop
from tests.conftest import Cli
from tests.faces import points

FILE = "objects.onnx"
MODELS = resources.path("models")


@pytest.fixture(scope="module")
def net() -> ObjectsNet:
    return ObjectsNet(MODELS / FILE)


def test_ok__the_file_is_small_enough_for_any_board() -> None:
    assert (MODELS / FILE).stat().st_size <= 400_000


def test_ok__the_net_takes_crops_as_they_are_and_gives_probabilities(net: ObjectsNet) -> None:
    crops = np.random.default_rng(1).integers(0, 256, (5, SIZE, SIZE), np.uint8)
    crops[:2] = [[[0]], [[255]]]
    p = net.probabilities(crops)
    assert p.shape == (5, len(ANSWERS))
    assert np.all((p >= 0) & (p <= 1))
    assert np.allclose(np.concatenate([net.probabilities(crop[None]) for crop in crops]), p, atol=1e-5)


@pytest.mark.parametrize("other", ["eyes.onnx", "emotion.onnx"])
def test_fail__another_net_is_refused_in_one_line(other: str) -> None:
    with pytest.raises(ModelError, match="another model than expected") as refused:
        ObjectsNet(MODELS / other)
    assert "\n" not in str(refused.value)


def test_ok__the_crop_is_centred_on_the_face_and_upright() -> None:
    """A bright disc at the box's middle is at the crop's middle; its width is that in sides of the face."""
    grey = np.zeros((480, 640), np.uint8)
    face = points()
    low, high = face[:68].min(0), face[:68].max(0)
    (x, y), side = (low + high) / 2, float((high - low).max())
    rows, columns = np.mgrid[:480, :640]
    grey[np.hypot(columns - x, rows - y) <= side / 2] = 255
    crop = objects_crop(grey, face)
    assert crop.shape == (SIZE, SIZE)
    assert crop.dtype == np.uint8
    inside = np.argwhere(crop > 127)
    assert inside.mean(0) == pytest.approx([(SIZE - 1) / 2] * 2, abs=0.6)
    assert np.ptp(inside, axis=0) + 1 == pytest.approx([SIZE / FACES_WIDE] * 2, abs=1.5)


def test_ok__outside_the_picture_its_border_is_repeated() -> None:
    grey = np.tile(np.linspace(50, 200, 400).astype(np.uint8), (400, 1))
    crop = objects_crop(grey, points() - np.array([150, 0], np.float32))
    assert np.all(crop[:, :20] == 50)


def test_ok__a_drawn_face_is_cropped_without_a_copy_of_the_picture() -> None:
    grey = np.full((480, 640), 90, np.uint8)
    assert objects_crop(grey, points()).flags.c_contiguous


def own_folder(tmp_path: Path, *, listed: bool | None) -> Path:
    """A folder of models without the net. `listed`: whether its manifest lists the net; None: there is no manifest."""
    folder = Path(shutil.copytree(MODELS, tmp_path / "models"))
    (folder / FILE).unlink()
    if listed is None:
        (folder / manifest.NAME).unlink()
    elif not listed:
        text = (folder / manifest.NAME).read_text()
        before, _, after = text.partition(f"  {FILE}:\n")
        rest = [line for line in after.splitlines(keepends=True) if not line.startswith("    ")]
        (folder / manifest.NAME).write_text(before + "".join(rest))
    (tmp_path / "my.yaml").write_text(f"models: {{folder: {folder}}}")
    return tmp_path / "my.yaml"


def models_of(config: Path, loaded: Models | None = None) -> Models:
    return build.load_models(build.load_plan(Request(config)).config, loaded)


@pytest.mark.parametrize("listed", [None, False], ids=["no manifest", "an older manifest"])
def test_ok__a_folder_from_before_this_net_is_used_and_says_once_what_is_missing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, still: Path, listed: bool | None
) -> None:
    config = own_folder(tmp_path, listed=listed)
    with caplog.at_level(logging.WARNING):
        models = models_of(config)
        assert models_of(config, models) is models, "a reload does not repeat it"
    (said,) = [line for line in caplog.messages if FILE in line]
    assert "stay unknown; copy it from the models of driver-monitor" in said
    assert models.objects is None
    perception = build.build_perception(build.load_plan(Request(config)).config, models)
    seen = perception.observe(Frame(read_image(still), 0.0, 0, "still"))
    assert seen.face is not None
    assert seen.objects is None


def test_fail__an_installation_that_has_lost_the_net_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"{FILE}: cannot read the model: No such file.*; reinstall"):
        models_of(own_folder(tmp_path, listed=True))


def test_ok__switched_off_the_net_is_not_even_looked_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = own_folder(tmp_path, listed=True)
    config.write_text(config.read_text() + "\nobjects: {enabled: false}\n")
    with caplog.at_level(logging.WARNING):
        assert models_of(config).objects is None
    assert not [line for line in caplog.messages if FILE in line]


def test_ok__the_pipeline_fills_the_field_of_the_observation(still: Path) -> None:
    config = build.load_plan(Request()).config
    perception = build.build_perception(config, build.load_models(config))
    frame = Frame(read_image(still), 0.0, 0, "still")
    first, second = perception.observe(frame), perception.observe(Frame(frame.picture, 0.05, 1, "still"))
    assert first.objects is not None
    assert first.objects.mask is not None
    assert second.objects is None, "no look was due"
    assert "objects" not in first.extra


def test_ok__inspect_shows_the_answers(command: Cli, still: Path, tmp_path: Path) -> None:
    assert '"objects":{"phone_left":' in command("inspect", still, "--json").out.replace(" ", "").replace("\n", "")
    (tmp_path / "off.yaml").write_text("objects: {enabled: false}")
    off = command("inspect", still, "--json", "--config", tmp_path / "off.yaml").out
    assert '"objects":null' in off.replace(" ", "")


def test_ok__a_line_of_inspect_names_what_is_there() -> None:
    assert sentence(result(phone_left=0.93, mask=0.4)).endswith(", telephone at the left ear 0.93, light day")
    assert sentence(result(mask=0.99, hand=0.61)).endswith(", hand on the face 0.61, mask 0.99, light day")
    assert sentence({**result(), "objects": None}).endswith("openness 1.00, light day")


def result(**known: float) -> dict[str, Any]:
    eyes = {"state": "open", "reason": None, "openness": 1.0}
    objects = {**dict.fromkeys(ANSWERS), **known}
    return {
        "file": "a.png", "face": {"present": True, "score": 0.9}, "eyes": eyes, "head": None, "emotion": None,
        "light": "day", "objects": objects,
    }  # fmt: skip

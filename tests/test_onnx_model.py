from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from driver_monitor.errors import ModelError
from driver_monitor.nets.onnx_model import OnnxModel, Shape
from tests.tiny_onnx import INT64, UINT8, copying_model

EYE: dict[str, Shape] = {"image": (None, 1, 4, 6)}
ANSWER: dict[str, Shape] = {"answer": (None, 1, 4, 6)}


def _written(folder: Path, data: bytes) -> Path:
    path = folder / "net.onnx"
    path.write_bytes(data)
    return path


def _refusal(path: Path, inputs: dict[str, Shape] = EYE, outputs: dict[str, Shape] = ANSWER) -> str:
    with pytest.raises(ModelError) as refused:
        OnnxModel(path, inputs, outputs)
    line = str(refused.value)
    assert "\n" not in line
    assert line.startswith(f"{path}: ")
    assert "reinstall driver-monitor" in line
    return line


def test_ok__the_right_model_runs_on_any_batch_and_tells_its_hash(tmp_path: Path) -> None:
    data = copying_model(EYE, ANSWER)
    model = OnnxModel(_written(tmp_path, data), EYE, ANSWER)
    images = np.arange(72, dtype=np.float32).reshape(3, 1, 4, 6)
    (answer,) = model.run({"image": images})
    assert np.array_equal(answer, images)
    assert model.sha256 == hashlib.sha256(data).hexdigest()


def test_ok__outputs_come_in_the_order_asked_for(tmp_path: Path) -> None:
    both: dict[str, Shape] = {"same": (None,), "opposite": (None,)}
    path = _written(tmp_path, copying_model({"x": (None,)}, both, op="Abs"))
    swapped = OnnxModel(path, {"x": (None,)}, {"opposite": (None,), "same": (None,)})
    opposite, same = swapped.run({"x": np.array([-2.0], np.float32)})
    assert opposite.tolist() == same.tolist() == [2.0]


def test_fail__a_missing_file_is_named(tmp_path: Path) -> None:
    assert "No such file" in _refusal(tmp_path / "net.onnx")


def test_fail__a_folder_is_not_a_model(tmp_path: Path) -> None:
    assert "cannot read the model" in _refusal(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.99])
def test_fail__a_truncated_file_is_reported_apart_from_a_foreign_one(tmp_path: Path, share: float) -> None:
    data = copying_model(EYE, ANSWER)
    assert "not a readable ONNX model, damaged or cut short; reinstall" in _refusal(
        _written(tmp_path, data[: int(len(data) * share)])
    )


@pytest.mark.parametrize("content", [b"GIF89a\x01\x00\x01\x00", b"version https://git-lfs.github.com/spec/v1\n"])
def test_fail__a_file_that_is_no_model_at_all(tmp_path: Path, content: bytes) -> None:
    assert "not a readable ONNX model" in _refusal(_written(tmp_path, content))


def test_fail__a_file_far_too_large_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    with path.open("wb") as file:
        file.truncate(70_000_000)
    assert "too large" in _refusal(path)


def test_fail__a_foreign_model_is_refused_by_what_it_lacks(tmp_path: Path) -> None:
    path = _written(tmp_path, copying_model({"pixels": (None, 3)}, {"answer": (None, 3)}))
    assert "no input 'image' (it has pixels)" in _refusal(path)
    assert "no output 'points' (it has answer)" in _refusal(path, {"pixels": (None, 3)}, {"points": (None, 3)})


def test_fail__another_size_is_refused_with_both_sizes(tmp_path: Path) -> None:
    path = _written(tmp_path, copying_model({"image": (None, 1, 8, 8)}, ANSWER))
    assert "input 'image' has 32-bit floats [N, 1, 8, 8], expected 32-bit floats [N, 1, 4, 6]" in _refusal(path)


def test_fail__a_fixed_batch_is_refused_where_it_must_be_free(tmp_path: Path) -> None:
    path = _written(tmp_path, copying_model({"image": (1, 1, 4, 6)}, ANSWER))
    assert "[1, 1, 4, 6], expected 32-bit floats [N, 1, 4, 6]" in _refusal(path)


def test_fail__integers_are_not_floats(tmp_path: Path) -> None:
    path = _written(tmp_path, copying_model(EYE, ANSWER, element=INT64))
    assert "input 'image' has other values [N, 1, 4, 6], expected 32-bit floats" in _refusal(path)


def test_fail__a_net_that_scales_by_itself_is_not_one_that_gets_floats(tmp_path: Path) -> None:
    floats, levels = tmp_path / "floats.onnx", tmp_path / "levels.onnx"
    floats.write_bytes(copying_model(EYE, ANSWER))
    levels.write_bytes(copying_model(EYE, ANSWER, element=UINT8))
    assert "has bytes (0 to 255) [N, 1, 4, 6], expected 32-bit floats [N, 1, 4, 6]" in _refusal(levels)
    with pytest.raises(ModelError, match=r"has 32-bit floats \[N, 1, 4, 6\], expected bytes \(0 to 255\)"):
        OnnxModel(floats, EYE, ANSWER, takes="uint8")
    with pytest.raises(ModelError, match=r"output 'answer' has bytes \(0 to 255\)"):
        OnnxModel(levels, EYE, ANSWER, takes="uint8")


def test_fail__an_input_nobody_would_feed_is_refused(tmp_path: Path) -> None:
    path = _written(tmp_path, copying_model({**EYE, "mood": (None, 2)}, ANSWER))
    assert "it has one more input, 'mood'" in _refusal(path)


def test_fail__arrays_of_another_size_give_one_line(tmp_path: Path) -> None:
    model = OnnxModel(_written(tmp_path, copying_model(EYE, ANSWER)), EYE, ANSWER)
    with pytest.raises(ModelError, match="the model failed to run; reinstall") as refused:
        model.run({"image": np.zeros((1, 1, 5, 5), np.float32)})
    assert "\n" not in str(refused.value)

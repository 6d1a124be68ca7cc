"""A user's own pictures of faces: what is refused, and what the calibration changes and keeps."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs onnx, which is not installed")

from driver_monitor.config import resources
from driver_monitor.errors import LabelError, ModelError
from driver_monitor.perception.expression.net import SIZE, ExpressionNet
from tools.expression import train
from tools.expression.own import command
from tools.expression.own.command import at, figures, temperature_of
from tools.expression.own.faces import Faces, faces_of
from tools.expression.own.head import ExpressionFile, Head

EMOTION = resources.path("models") / "emotion.onnx"


def noise(n: int) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, (n, SIZE, SIZE), dtype=np.uint8)


def test_ok__a_net_that_is_too_sure_gets_a_temperature_above_one_and_keeps_its_order() -> None:
    random = np.random.default_rng(1)
    head, features = Head(random.normal(size=(8, 96)), np.zeros(8)), random.normal(size=(400, 96))
    label = random.integers(0, 8, 400)
    temperature = temperature_of(head, features, label)
    before, after = (figures(one.probabilities(features), label) for one in (head, at(head, temperature)))
    assert temperature > 2.0
    assert after.loss < before.loss
    assert after.right == before.right
    assert after.answered < before.answered


def test_ok__the_written_net_answers_as_its_head_and_can_be_calibrated_again(tmp_path: Path) -> None:
    net, faces = ExpressionFile(EMOTION), noise(4)
    wanted = at(net.head, 3.0)
    net.write(wanted, tmp_path / "one.onnx")
    found = [list(ExpressionNet(tmp_path / "one.onnx").probabilities(face).p.values()) for face in faces]
    # onnxruntime rounds int8 features otherwise where it may merge nodes.
    assert np.abs(wanted.probabilities(net.features(faces)) - found).max() < 0.01
    again = ExpressionFile(tmp_path / "one.onnx")
    again.write(net.head, tmp_path / "two.onnx")
    back = ExpressionFile(tmp_path / "two.onnx").head
    assert np.abs(back.weight - net.head.weight).max() < 1e-5


def test_fail__another_net_is_refused() -> None:
    with pytest.raises(ModelError):
        ExpressionFile(EMOTION.with_name("eyes.onnx"))


def test_fail__pictures_in_wrong_folders_are_named_and_too_few_are_refused(still: Path, tmp_path: Path) -> None:
    for place in ("p1/neutral", "p1/bored", "neutral"):
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        (tmp_path / place / "face.png").write_bytes(still.read_bytes())
    (tmp_path / "p1/neutral/bad.jpg").write_bytes(b"no picture")
    said: list[str] = []
    with pytest.raises(LabelError, match=r"1 usable pictures of 1 person"):
        faces_of(tmp_path, said.append)
    assert len(said) == 3
    assert all("\n" not in line for line in said)


def test_ok__the_command_writes_a_folder_with_a_card(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    own = Faces(noise(40), np.arange(40) % 8, np.repeat(["a", "b"], 20))
    monkeypatch.setattr(command, "faces_of", lambda *_: own)
    out = tmp_path / "mine"
    monkeypatch.setattr(sys, "argv", ["train", "--own", str(tmp_path), "--start", str(EMOTION), "--out", str(out)])
    train.main()
    assert "Left out by person, in 2 parts" in capsys.readouterr().out
    assert (out / "emotion.md").read_text().startswith("# emotion.onnx: calibrated on your own pictures")
    assert (out / "eyes.onnx").read_bytes() == EMOTION.with_name("eyes.onnx").read_bytes()

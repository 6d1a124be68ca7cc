"""How the objects net is taught: labels by eye, pictures made of several, a smaller file with the same answers."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install -e '.[train]'")
pytest.importorskip("onnx", reason="onnx is not installed: pip install -e '.[train]'")

import onnxruntime
import torch

from tests.mean_face import MEAN_FACE
from tools.objects.calibrate import fit_lines
from tools.objects.faces import LABELS, MASK, PHONE_LEFT, PHONE_RIGHT, UNKNOWN, Faces, read_labels, targets
from tools.objects.mix import Mixer
from tools.objects.net import ANSWERS, SIDE, Answers, Net
from tools.objects.scores import auc, limit_at, recall_at
from tools.objects.train import loss
from tools.training.onnx_file import export, halve


def test_ok__a_telephone_at_the_right_side_of_the_image_is_at_the_drivers_left_ear() -> None:
    assert targets("objects", "RH") == [1, 0, 1, 0, 0, 0]
    assert targets("objects", "L") == [0, 1, 0, 0, 0, 0]


def test_ok__what_the_labeller_was_unsure_of_teaches_nothing() -> None:
    assert targets("objects", "L?M") == [0, UNKNOWN, 0, 0, 1, 0]
    assert targets("objects", "F")[:2] == [UNKNOWN, UNKNOWN], "held before the mouth: at no ear, but looks like it"
    assert targets("elsewhere", "") == [0, 0, UNKNOWN, UNKNOWN, 0, UNKNOWN], "nobody looked at it"


def test_ok__every_labelled_face_has_known_flags_and_stands_once() -> None:
    with LABELS.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(read_labels(LABELS)) == len(rows)
    for row in rows:
        assert set(row["flags"]) <= set("LRFHOMCEX?"), row


def test_ok__scores_of_a_perfect_a_blind_and_a_wrong_answer() -> None:
    truth = np.arange(200) < 100
    perfect = truth.astype(float)
    assert auc(perfect, truth) == 1
    assert auc(-perfect, truth) == 0
    assert auc(np.zeros(200), truth) == 0.5
    assert recall_at(0.01)(perfect, truth) == 1
    assert recall_at(0.01)(np.zeros(200), truth) == 0
    score = np.concatenate([np.full(100, 0.5), np.linspace(0, 1, 100)])
    assert (score[~truth] > limit_at(score, truth, 0.05)).mean() <= 0.05


def faces(flags: list[str]) -> Faces:
    rng = np.random.default_rng(3)
    n = len(flags)
    wide = np.ptp(MEAN_FACE[:68, 0])
    flat = MEAN_FACE[:, :2] * [-1, -1] / wide / 3.6
    points = np.repeat((flat - flat.mean(0) + 0.5)[None], n, axis=0).astype(np.float32)
    return Faces(
        rng.integers(0, 256, (n, 240, 240), np.uint8), points,
        np.array([targets("objects", flag) for flag in flags], np.float32), np.arange(n) % 4,
        np.array(["actions_web"] * n), np.ones(n, bool), np.zeros(n, np.float32), np.array(flags),
        np.array([f"{k}.jpg" for k in range(n)]), np.array([str(k) for k in range(n)]),
    )  # fmt: skip


def test_ok__the_same_seed_makes_the_same_batches() -> None:
    some = faces(["L", "R", "M", "", "O", "H", "", ""])
    one, other = (Mixer(some, np.arange(8), 5).batch(24) for _ in range(2))
    assert torch.equal(one.faces, other.faces)
    assert torch.equal(one.targets, other.targets)
    assert float(one.faces.min()) >= 0
    assert float(one.faces.max()) <= 1
    assert set(one.targets.unique().tolist()) <= {UNKNOWN, 0.0, 1.0}


def test_ok__no_batch_has_a_telephone_when_no_face_has_one() -> None:
    some = faces(["M", "", "O", "H", "", ""])
    for seed in range(4):
        batch = Mixer(some, np.arange(6), seed).batch(48)
        assert not (batch.targets[:, [PHONE_LEFT, PHONE_RIGHT]] == 1).any()


def test_ok__a_mirrored_telephone_changes_the_ear() -> None:
    batch = Mixer(faces(["L", "L"]), np.arange(2), 1).batch(64)
    of = batch.targets[:, [PHONE_LEFT, PHONE_RIGHT]]
    assert (of[:, 0] == 1).any()
    assert (of[:, 1] == 1).any()


def test_ok__unknown_targets_cost_nothing() -> None:
    logits = torch.zeros(3, ANSWERS)
    known = torch.zeros(3, ANSWERS)
    half = known.clone()
    half[1] = UNKNOWN
    even = torch.ones(ANSWERS)
    assert loss(logits, half, even) == pytest.approx(float(loss(logits, known, even)))


def test_ok__a_picture_that_ends_around_the_face_keeps_its_mask_and_loses_its_surroundings() -> None:
    some = faces(["M", "", "M", ""])
    whole, framed = (Mixer(some, np.arange(4), 5) for _ in range(2))
    framed.framed = 1.0
    one, other = whole.batch(48), framed.batch(48)
    assert set(other.targets[:, MASK].tolist()) == set(one.targets[:, MASK].tolist())
    repeated = (other.faces[:, 0, :, 1:] == other.faces[:, 0, :, :-1]).float().mean()
    assert repeated > (one.faces[:, 0, :, 1:] == one.faces[:, 0, :, :-1]).float().mean()


def test_ok__calibration_finds_the_odds_behind_the_answers() -> None:
    rng = np.random.default_rng(2)
    logits = rng.normal(0, 3, (4000, ANSWERS))
    truth = rng.random(logits.shape) < 1 / (1 + np.exp(-(0.5 * logits - 1)))
    lines = fit_lines(logits, truth.astype(np.float32))
    assert lines == pytest.approx(np.tile([0.5, -1.0], (ANSWERS, 1)), abs=0.15)


def test_ok__the_smaller_file_gives_the_same_answers(tmp_path: Path) -> None:
    torch.manual_seed(1)
    net = Answers(Net().eval(), torch.tensor([[1.0, 0.0]] * ANSWERS)).eval()
    path = tmp_path / "net.onnx"
    crops = torch.randint(0, 256, (4, 1, SIDE, SIDE), dtype=torch.uint8)
    export(net, {"face": crops}, ["p"], path)
    before = path.stat().st_size
    halve(path)
    assert path.stat().st_size < 0.6 * before
    (p,) = onnxruntime.InferenceSession(str(path)).run(None, {"face": crops.numpy()})
    with torch.no_grad():
        assert np.abs(p - net(crops).numpy()).max() < 0.002

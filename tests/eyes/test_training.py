"""The training of the eye net: nobody is measured who was learned from, and light on a lens keeps the eye's label."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch, which is not installed")
pytest.importorskip("onnx", reason="needs onnx, which is not installed")

from tools.eyes.courses import _allowed  # noqa: E402
from tools.eyes.data import HEIGHT, WIDTH, name_of  # noqa: E402
from tools.eyes.painting import spots  # noqa: E402
from tools.eyes.painting.augment import Batch  # noqa: E402
from tools.training.people import FOLDS, spread  # noqa: E402

RIGHT_EYE = {36: (36, 44), 37: (46, 42), 38: (57, 42), 39: (67, 44), 40: (57, 46), 41: (46, 46)}


def batch(label: str, count: int = 64) -> Batch:
    """Frontal grey faces with nearly shut eyes."""
    points = torch.zeros(count, 70, 2)
    for number, (x, y) in RIGHT_EYE.items():
        points[:, number] = torch.tensor([x, y])
        points[:, {36: 45, 37: 44, 38: 43, 39: 42, 40: 47, 41: 46}[number]] = torch.tensor([WIDTH - x, y])
    known = torch.zeros(count)
    return Batch(
        torch.full((count, 1, HEIGHT, WIDTH), 0.4), points, known + (label == "closed"), known, known.clone(), known,
        known + 0.1, known, known, torch.empty(0), known > 1, known > 1, known < 1, torch.ones(1, count) > 0, known > 1,
    )  # fmt: skip


def test_ok__a_person_with_pictures_in_two_sets_is_one_person() -> None:
    assert name_of(Path("faces68/training/Ann_Lee-Moss_40.jpg")) == name_of(Path("portraits/ann_lee_moss_0004.jpg"))
    assert name_of(Path("portraits/ann_lee_0004.jpg")) != name_of(Path("portraits/ann_lee_moss_0004.jpg"))


def test_ok__the_rarest_eyes_are_spread_over_all_folds(tmp_path: Path) -> None:
    rows = [f"w{n},{'closed' if n < FOLDS else 'narrow'}" for n in range(40)]
    (tmp_path / "labels.csv").write_text("\n".join(["person,eyes", *rows]))
    place = spread(tmp_path / "labels.csv")
    assert {place[f"w{n}"] for n in range(FOLDS)} == set(range(FOLDS))
    assert set(place) == {f"w{n}" for n in range(40)}


@pytest.mark.parametrize(("person", "other"), [("w1", ""), ("p1", "w1"), ("", "w1")])
def test_fail__the_net_of_a_fold_learns_from_its_people_neither_by_eyes_nor_by_face(person: str, other: str) -> None:
    data = {"person": np.array([person, "w2"]), "other": np.array([other, ""]), "source": np.array(["made", "wild"])}
    place = {"w1": 3, "w2": 1, "p1": 0}
    assert _allowed(data, place, 3).tolist() == [False, True]
    assert _allowed(data, place, None).tolist() == [True, True]


def test_fail__no_net_learns_from_drivers_of_the_clips() -> None:
    data = {
        "person": np.array(["p047", "p001"]),
        "other": np.array(["", "p055"]),
        "source": np.array(["incar", "made"]),
    }
    assert not _allowed(data, {}, None).any()


def test_ok__a_closed_eye_behind_light_stays_closed_or_becomes_hidden_never_open() -> None:
    torch.manual_seed(1)
    shut = batch("closed", 256)
    before = shut.strip.clone()
    spots.spot(shut)
    changed = (shut.strip - before).abs().flatten(1).amax(1) > 0.1
    assert 0.15 < changed.float().mean() < 0.4
    assert (shut.closed == 1).all()
    assert (shut.hidden[~changed] == 0).all()


def test_ok__a_lamps_reflection_hides_nothing_and_a_window_over_the_lids_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spots, "SPOTTED", 1.0)
    torch.manual_seed(2)
    for large, hidden in ((0.0, 0.02), (1.0, 0.6)):
        monkeypatch.setattr(spots, "LARGE", large)
        shut = batch("closed", 512)
        spots.spot(shut)
        share = float((shut.hidden == 1).float().mean())
        assert share < hidden
        assert large == 0.0 or share > 0.1


def test_ok__what_is_half_covered_teaches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spots, "SPOTTED", 1.0)
    monkeypatch.setattr(spots, "LARGE", 1.0)
    torch.manual_seed(3)
    shut = batch("closed", 512)
    spots.spot(shut)
    assert torch.equal(torch.isnan(shut.hidden), shut.unclear)
    assert shut.unclear.any()

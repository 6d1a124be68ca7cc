"""The eye net on a user's own eyes: read from its file, tuned, and written to its file again."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch, which is not installed")
pytest.importorskip("onnx", reason="needs onnx, which is not installed")

from driver_monitor.app import build  # noqa: E402
from driver_monitor.config import resources  # noqa: E402
from driver_monitor.perception.eyes.eye_net import EyeNet  # noqa: E402
from tests.eyes.test_own_data import some_crops  # noqa: E402
from tools.eyes import train  # noqa: E402
from tools.eyes.own import command, fine_tune  # noqa: E402
from tools.eyes.own.command import TorchEyes  # noqa: E402
from tools.eyes.own.crops import CLOSED, OPEN  # noqa: E402
from tools.eyes.own.figures import of_net  # noqa: E402
from tools.eyes.own.fine_tune import fine_tuned, likelihood, views  # noqa: E402
from tools.eyes.own.read_back import SAME, read_back, write_back  # noqa: E402
from tools.eyes.own.table import EyeTable, table_of  # noqa: E402

EYES = resources.path("models") / "eyes.onnx"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few views and steps: these pictures are not faces, and easy."""
    monkeypatch.setattr(fine_tune, "VIEWS", 200)
    monkeypatch.setattr(fine_tune, "STEPS", 150)
    monkeypatch.setattr(fine_tune, "KEEP", 0.5)
    torch.set_num_threads(1)


def painted(person: str, seed: int) -> EyeTable:
    """Eyes that no camera sees: grey noise; a closed one has a dark bar below, an open one a dark bar above."""
    crops = some_crops([OPEN] * 40 + [CLOSED] * 40, seed)
    for pictures in (crops.patches, crops.strips, crops.bands):
        pictures[:] = pictures // 8 + 180
        low = pictures.shape[-2] // 2
        pictures[:40, ..., : low - 3, :] = 30
        pictures[40:, ..., low + 3 :, :] = 30
    return table_of([(f"{person}.mp4", person, crops)])


def together(*tables: EyeTable) -> EyeTable:
    return table_of([(str(one.clip[0]), str(one.person[0]), one.crops) for one in tables])


def test_ok__the_net_that_is_read_from_the_file_answers_as_the_file() -> None:
    net, lines = read_back(EYES)
    random = np.random.default_rng(3)
    eyes, bands = (random.integers(0, 256, (64, *size), dtype=np.uint8) for size in ((32, 48), (32, 64)))
    wanted, found = EyeNet(EYES).read(eyes, bands), TorchEyes(net, lines).read(eyes, bands)
    assert np.abs(wanted.p - found.p).max() < SAME
    assert np.abs(wanted.aspect - found.aspect).max() < SAME
    assert np.abs(wanted.sunglasses - found.sunglasses).max() < SAME


def test_ok__a_tuned_net_is_better_on_a_person_it_has_not_seen_and_survives_its_file(tmp_path: Path) -> None:
    start, lines = read_back(EYES)
    table, other, known = painted("a", 1), painted("b", 2), painted("c", 3)
    memory = views(start, known, np.full(len(known), 1 / len(known)), 5)
    net = fine_tuned(start, table, views(start, table, likelihood(table), 4), memory, 4)
    again = fine_tuned(start, table, views(start, table, likelihood(table), 4), memory, 4)
    assert all(torch.equal(one, two) for one, two in zip(net.parameters(), again.parameters(), strict=True))
    assert of_net(TorchEyes(net, lines), other).loss < of_net(TorchEyes(start, lines), other).loss
    write_back(net, EYES, tmp_path / "eyes.onnx")
    patches, bands = other.crops.patches[:, 0], other.crops.bands[:, 0]
    written, wanted = EyeNet(tmp_path / "eyes.onnx").read(patches, bands), TorchEyes(net, lines).read(patches, bands)
    assert np.abs(written.p - wanted.p).max() < SAME
    assert read_back(tmp_path / "eyes.onnx")[1] == lines
    moved = {name for name, one in net.state_dict().items() if not torch.equal(one, start.state_dict()[name])}
    assert moved == {"eye.8.weight", "eye.8.bias", "lids.weight", "lids.bias"}


def test_ok__the_command_writes_a_folder_that_the_daemon_loads(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(command, "own_table", lambda *_: together(painted("a", 1), painted("b", 2)))
    monkeypatch.setattr(command, "bundled_table", lambda *_: painted("c", 3))
    monkeypatch.setattr(command, "faults_of", lambda *_: [])
    out = tmp_path / "mine"
    monkeypatch.setattr(
        sys, "argv", ["train", "--own", str(tmp_path), "--start", str(EYES), "--out", str(out), "--shared", "none"]
    )
    train.main()
    shown = capsys.readouterr().out
    assert "Split into 2 parts by person" in shown
    assert (out / "eyes.md").read_text().startswith(shown.strip())
    (tmp_path / "my.yaml").write_text(f"models: {{folder: {out}}}\n")
    models = build.load_models(build.load_plan(build.Request(tmp_path / "my.yaml")).config)
    assert models.eyes.sha256 != EyeNet(EYES).sha256


def test_fail__a_net_that_is_not_better_is_not_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    mixed = painted("a", 1)
    mixed.crops.state[:] = mixed.crops.state[np.random.default_rng(4).permutation(len(mixed))]
    monkeypatch.setattr(command, "own_table", lambda *_: mixed)
    monkeypatch.setattr(command, "bundled_table", lambda *_: painted("c", 3))
    monkeypatch.setattr(command, "faults_of", lambda *_: ["it has forgotten"])
    monkeypatch.setattr(sys, "argv", ["train", "--own", str(tmp_path), "--out", str(tmp_path / "out"), "--shared", "-"])
    with pytest.raises(SystemExit) as stop:
        train.main()
    assert stop.value.code == 1
    said = capsys.readouterr()
    assert "| closed called open |" in said.out
    assert "nothing is written" in said.err.splitlines()[-1]
    assert not (tmp_path / "out").exists()

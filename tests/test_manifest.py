"""The models are compared with their manifest, and the first wrong one is named."""

from __future__ import annotations

import hashlib
import logging
import shutil
from pathlib import Path

import pytest

from driver_monitor.app.build import load_models
from driver_monitor.config import resources
from driver_monitor.config.schema import Config, ModelsConfig
from driver_monitor.errors import ModelError
from driver_monitor.nets.manifest import NAME, load_manifest

MODELS = resources.path("models")
MOST_BYTES = 4_000_000
"""Bytes of all models together: small enough for the memory of any board and for a package."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(MODELS, tmp_path / "models"))


def load(folder: Path) -> None:
    load_models(Config(models=ModelsConfig(folder=folder)))


def test_ok__the_manifest_lists_exactly_the_files_in_the_folder() -> None:
    listed = load_manifest(MODELS)
    assert listed is not None
    files = {path.name: path for path in MODELS.glob("*.onnx")}
    advice = "run `make manifest`"
    assert set(listed.models) == set(files), advice
    for name, entry in listed.models.items():
        assert hashlib.sha256(files[name].read_bytes()).hexdigest() == entry.sha256, f"{name}: {advice}"
        assert files[name].stat().st_size == entry.bytes
        assert entry.card is not None, f"{name} has no card"
        assert (MODELS / entry.card).exists()


def test_ok__all_models_together_are_small() -> None:
    assert sum(path.stat().st_size for path in MODELS.glob("*.onnx")) < MOST_BYTES


def test_ok__the_shipped_models_are_as_listed(folder: Path) -> None:
    load(folder)


def test_fail__an_exchanged_model_is_named_with_both_hashes(folder: Path) -> None:
    listed = (folder / NAME).read_text()
    digest = hashlib.sha256((folder / "eyes.onnx").read_bytes()).hexdigest()
    (folder / NAME).write_text(listed.replace(digest, "0" * 64))
    with pytest.raises(ModelError) as error:
        load(folder)
    for words in (str(folder / "eyes.onnx"), digest[:12], "0" * 12, "damaged or exchanged", "tools.manifest"):
        assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_fail__a_model_that_is_not_listed(folder: Path) -> None:
    (folder / NAME).write_text("models: {}\n")
    with pytest.raises(ModelError, match="not in"):
        load(folder)


def test_ok__a_users_own_models_need_no_manifest_and_the_log_says_so(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / NAME).unlink()
    with caplog.at_level(logging.INFO):
        load(folder)
    assert [record for record in caplog.messages if "used without a check" in record and str(folder) in record]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "models: [1, 2]",
        "models: {eyes.onnx: {sha256: 1}}",
        "models: {eyes.onnx: {sha256: abc, bytes: x, date: y, licence: ''}}",
        "{[1]: 2}",
        "models: {? [a] : b}",
        "- 1",
        "models: &a {x: *a}",
        "!!python/object/apply:os.system [ls]",
        "models:\n\teyes: 1",
        "[" * 5000,
        "models: " + "x" * 300_000,
        "\0",
    ],
)
def test_fail__a_damaged_manifest_is_one_line(folder: Path, text: str) -> None:
    (folder / NAME).write_text(text)
    with pytest.raises(ModelError) as error:
        load(folder)
    assert str(folder / NAME) in str(error.value)
    assert "\n" not in str(error.value)


def test_fail__a_manifest_that_is_a_folder_or_a_broken_link(folder: Path) -> None:
    (folder / NAME).unlink()
    (folder / NAME).symlink_to("nowhere")
    with pytest.raises(ModelError, match=NAME):
        load(folder)
    (folder / NAME).unlink()
    (folder / NAME).mkdir()
    with pytest.raises(ModelError, match=NAME):
        load(folder)

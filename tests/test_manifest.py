"""The models are compared with their manifest, and the first wrong one is named."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import onnxruntime
import pytest

from driver_monitor.app.build import NET_FILES, Models, load_models
from driver_monitor.config import resources
from driver_monitor.config.schema import Config, EmotionConfig, ModelsConfig
from driver_monitor.errors import ModelError
from driver_monitor.nets.manifest import NAME, load_manifest
from tests.tiny_onnx import copying_model

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
    assert set(listed.models) == set(files) == set(NET_FILES.values()), advice
    for name, entry in listed.models.items():
        assert hashlib.sha256(files[name].read_bytes()).hexdigest() == entry.sha256, f"{name}: {advice}"
        assert files[name].stat().st_size == entry.bytes
        assert entry.card is not None, f"{name} has no card"
        assert (MODELS / entry.card).exists()


def test_ok__each_net_is_found_by_its_name() -> None:
    assert set(NET_FILES) == {field.name for field in fields(Models)} - {"digest", "origin"}


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


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every file that onnxruntime is given."""
    given: list[bytes] = []
    session = onnxruntime.InferenceSession

    def open_session(data: bytes, *rest: object, **options: object) -> object:
        given.append(data)
        return session(data, *rest, **options)

    monkeypatch.setattr(onnxruntime, "InferenceSession", open_session)
    return given


@pytest.mark.parametrize("name", sorted(NET_FILES.values()))
@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:1000],
        lambda data: data + b"\0",
        lambda data: bytes([data[0] ^ 1]) + data[1:],
        lambda _: copying_model({"input_img": (1, 6)}, {"outputs": (1, 6)}),
        lambda _: b"",
    ],
    ids=["cut", "longer", "one bit", "another model", "empty"],
)
def test_fail__no_file_is_parsed_before_its_hash_is_known_to_be_right(
    folder: Path, parsed: list[bytes], name: str, spoil: Callable[[bytes], bytes]
) -> None:
    (folder / name).write_bytes(spoil((folder / name).read_bytes()))
    with pytest.raises(ModelError, match=rf"{name}: SHA-256 begins with .*damaged or exchanged"):
        load(folder)
    assert parsed == []


def test_ok__models_in_use_are_taken_again_until_a_file_or_a_setting_changes(folder: Path, parsed: list[bytes]) -> None:
    config = Config(models=ModelsConfig(folder=folder))
    first = load_models(config)
    count = len(parsed)
    assert load_models(config, first) is first
    assert len(parsed) == count
    silent = config.model_copy(update={"emotion": EmotionConfig(enabled=False)})
    assert load_models(silent, first).expression is None
    (folder / NAME).unlink()
    (folder / "eyes.onnx").write_bytes((folder / "eyes.onnx").read_bytes().replace(b"pytorch", b"Pytorch", 1))
    changed = load_models(config, first)
    assert changed is not first
    assert changed.digest != first.digest


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

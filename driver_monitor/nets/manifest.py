"""Reads `manifest.yaml`, the list of model files with their SHA-256, and compares files with it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from driver_monitor.config import yaml_file
from driver_monitor.errors import ConfigError, ModelError

_log = logging.getLogger(__name__)

NAME = "manifest.yaml"
_ADVICE = "reinstall driver-monitor, or, if you changed the file on purpose, run python -m tools.manifest"


class Entry(BaseModel):
    """Describes one model file. `date`: of its last change. `card`: document on training data and limits, or None."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(gt=0)
    date: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    licence: str = Field(min_length=1, max_length=200)
    card: str | None = None


class Manifest(BaseModel):
    """All model files of a folder, by name."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    models: dict[str, Entry]


def load_manifest(folder: Path) -> Manifest | None:
    """Return the manifest of `folder`. None: there is none. Raises `ModelError` if it cannot be read or is damaged."""
    path = folder / NAME
    # A broken link counts as a damaged manifest, not as a missing one.
    if not path.exists() and not path.is_symlink():
        return None
    try:
        return yaml_file.load(path, Manifest)
    except ConfigError as error:
        first = str(error).splitlines()[0]
        raise ModelError(f"{first}; {_ADVICE}") from error


def check(folder: Path, found: Mapping[str, str]) -> None:
    """Compare files of `folder` with its manifest. `found`: file name to SHA-256 in hexadecimal.

    Raises `ModelError` at the first file whose hash differs or that is not listed, or if the manifest is damaged. If
    the folder has no manifest (a user's own folder), nothing is checked, and the log says that.
    """
    manifest = load_manifest(folder)
    if manifest is None:
        _log.info("%s: no %s in this folder; the models are used without a check", folder, NAME)
        return
    for name, sha256 in found.items():
        entry = manifest.models.get(name)
        if entry is None:
            raise ModelError(f"{folder / name}: not in {folder / NAME}; {_ADVICE}")
        if entry.sha256 != sha256:
            raise ModelError(
                f"{folder / name}: SHA-256 begins with {sha256[:12]}, {NAME} lists {entry.sha256[:12]}: damaged or "
                f"exchanged; {_ADVICE}"
            )

"""`manifest.yaml` beside the models: which files these are, so that a damaged or exchanged one is noticed at start."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from driver_monitor.config import yaml_file
from driver_monitor.errors import ConfigError, ModelError

_log = logging.getLogger(__name__)

NAME = "manifest.yaml"
_ADVICE = "reinstall driver-monitor; after an intended change, run `python -m tools.manifest FOLDER` in the source tree"


class Entry(BaseModel):
    """One file. `date`: since when it has been this one. `card`: what it learned from and where it fails."""

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
    """Read the manifest of `folder`, None where there is none. Raises `ModelError` when it is damaged."""
    path = folder / NAME
    # A dangling link is a manifest that cannot be read, not none.
    if not path.exists() and not path.is_symlink():
        return None
    try:
        return yaml_file.load(path, Manifest)
    except ConfigError as error:
        first = str(error).splitlines()[0]
        raise ModelError(f"{first}; {_ADVICE}") from error


def check(folder: Path, loaded: Mapping[str, str]) -> None:
    """Hold the files loaded from `folder`, name to SHA-256 in hexadecimal, against its manifest.

    A folder of one's own needs none; that is said in the log. Raises `ModelError` naming the first file that is
    another one than listed, or not listed at all.
    """
    manifest = load_manifest(folder)
    if manifest is None:
        _log.info("%s: no %s here, so the models are taken as they are", folder, NAME)
        return
    for name, found in loaded.items():
        entry = manifest.models.get(name)
        if entry is None:
            raise ModelError(f"{folder / name}: not in {folder / NAME}; {_ADVICE}")
        if entry.sha256 != found:
            raise ModelError(
                f"{folder / name}: SHA-256 begins {found[:12]}, but {NAME} says {entry.sha256[:12]}: damaged or "
                f"exchanged; {_ADVICE}"
            )

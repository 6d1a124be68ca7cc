"""Finds and reads profiles: a shipped profile by its name, a user's own by its path."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import ValidationError

from driver_monitor import rules
from driver_monitor.config import yaml_file
from driver_monitor.errors import ConfigError
from driver_monitor.rules.profile import Profile

FOLDER = Path(rules.__file__).parent / "profiles"
"""The folder of the shipped profiles."""
SUFFIXES = (".yaml", ".yml")


def known() -> tuple[str, ...]:
    """Return the names of the shipped profiles."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def load_profile(name_or_path: str) -> tuple[Profile, str]:
    """Read and check a profile with the one it extends. Return both as one, and their text. Raises `ConfigError`."""
    return parse_profile(*read_profile(name_or_path))


def read_profile(name_or_path: str) -> tuple[str, Path]:
    """Return the text of a profile's own file, and the path of this file. Raises `ConfigError`."""
    if name_or_path in known():
        path = FOLDER / f"{name_or_path}.yaml"
    # Path.is_file would raise on a name that is too long for a path.
    elif Path(name_or_path).suffix in SUFFIXES or os.path.isfile(name_or_path):  # noqa: PTH113
        path = Path(name_or_path)
    else:
        short = repr(name_or_path if len(name_or_path) <= 60 else f"{name_or_path[:57]}...")
        raise ConfigError(f"profile: no profile {short}; use one of {', '.join(known())}, or the path of a .yaml file")
    return yaml_file.read_text(path), path


def parse_profile(text: str, path: Path) -> tuple[Profile, str]:
    """Check the `text` of a profile, and do as `load_profile`. `path`: its file, for errors. Raises `ConfigError`."""
    profile = yaml_file.parse(text, str(path), Profile)
    return (profile, text) if profile.extends is None else _extended(profile, text, path)


def _extended(profile: Profile, text: str, path: Path) -> tuple[Profile, str]:
    """Return `profile` with the rules of the shipped profile that it extends before its own, and both texts.

    `workplace`, `standstill` and `acknowledge` come from the shipped profile where they are false or empty in
    `profile`. The result is validated again: a rule valid in its own file may be invalid among the other rules.
    """
    shipped = profile.extends
    if shipped not in known():
        raise ConfigError(f"{path}: extends: no shipped profile {shipped!r:.60}; use one of {', '.join(known())}")
    base, base_text = load_profile(shipped)
    twice = {rule.id for rule in base.rules} & {rule.id for rule in profile.rules}
    if twice:
        raise ConfigError(f"{path}: rules: {min(twice)} is also a rule of {shipped}; give yours another id")
    merged = {key: getattr(profile, key) or getattr(base, key) for key in ("workplace", "standstill", "acknowledge")}
    values = {**dict(profile), **merged, "rules": (*base.rules, *profile.rules)}
    try:
        whole = Profile.model_validate(values, context={"whole": True})
    except ValidationError as error:
        raise ConfigError(f"{path}: {error.errors()[0]['msg']}") from None
    return whole, text + base_text

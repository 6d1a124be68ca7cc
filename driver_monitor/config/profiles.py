"""Finds and reads profiles: those that come with the program by name, a user's own by path."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from driver_monitor import rules
from driver_monitor.config import yaml_file
from driver_monitor.errors import ConfigError
from driver_monitor.rules.profile import Profile

FOLDER = Path(rules.__file__).parent / "profiles"
"""Where the shipped profiles lie."""
SUFFIXES = (".yaml", ".yml")


def known() -> tuple[str, ...]:
    """Return the names of the shipped profiles."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def load_profile(name_or_path: str) -> tuple[Profile, str]:
    """Return a shipped profile by name, or one of the user's by path, with its text (for the configuration's hash).

    Raises `ConfigError` with file, line, key and reason.
    """
    if name_or_path in known():
        path = FOLDER / f"{name_or_path}.yaml"
    elif Path(name_or_path).suffix in SUFFIXES or _is_file(name_or_path):
        path = Path(name_or_path)
    else:
        shown = repr(name_or_path if len(name_or_path) <= 60 else f"{name_or_path[:57]}...")
        raise ConfigError(f"profile: no profile {shown}; use one of {', '.join(known())}, or the path of a .yaml file")
    text = yaml_file.read_text(path)
    profile = yaml_file.parse(text, str(path), Profile)
    return (profile, text) if profile.extends is None else _extended(profile, text, path)


def _extended(profile: Profile, text: str, path: Path) -> tuple[Profile, str]:
    """Return `profile` with the rules of the shipped one it extends before its own, and both texts.

    What extends a workplace is one. The whole is checked once more: what is right elsewhere may not be so there.
    """
    shipped = profile.extends
    if shipped not in known():
        raise ConfigError(f"{path}: extends: no shipped profile {shipped!r:.60}; there are {', '.join(known())}")
    base, base_text = load_profile(shipped)
    twice = {rule.id for rule in base.rules} & {rule.id for rule in profile.rules}
    if twice:
        raise ConfigError(f"{path}: rules: {min(twice)} stands in {shipped} too; give yours another id")
    workplace, standstill = profile.workplace or base.workplace, profile.standstill or base.standstill
    try:
        whole = Profile.model_validate(
            {
                **dict(profile),
                "workplace": workplace,
                "standstill": standstill,
                "acknowledge": profile.acknowledge or base.acknowledge,
                "rules": (*base.rules, *profile.rules),
            },
            context={"whole": True},
        )
    except ValidationError as error:
        raise ConfigError(f"{path}: {error.errors()[0]['msg']}") from None
    return whole, text + base_text


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        # Too long, or with characters that no path has.
        return False

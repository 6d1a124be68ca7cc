"""Takes names, addresses and paths out of configuration, run and alerts (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Literal, get_origin

from pydantic import BaseModel, ValidationError

from driver_monitor.config.schema import Config
from driver_monitor.rules.profile import Profile

CLIP = "clip"
"""Stands for the name of the clip, which may be that of a person."""
PROFILE = "profile.yaml"
"""The name of the profile in the archive."""
HIDDEN = "left out: it names a path"
FIELDS = ("schema", "state", "program", "version", "kind", "sha256", "vehicle_sha256", "model", "config", "profile",
          "every", "fps", "trace", "frame_rate", "frame_rate_from", "frames", "seconds", "announced", "missing",
          "damaged", "alerts")  # fmt: skip
"""The keys of run.json that name nobody. A new key stays out until somebody adds it here."""


def plain_config(config: Config) -> tuple[dict[str, Any], list[str]]:
    """Return the values of `config` without free text, and the keys that lost theirs. The values are valid.

    Numbers, true, false and words of a fixed list stay. Any other text that is not the default may be a name, an
    address, a path or a password: the default takes its place. So a new setting is hidden without being listed here.
    """
    values: dict[str, Any] = {}
    changed: list[str] = []
    for name in Config.model_fields:
        value = getattr(config, name)
        if isinstance(value, BaseModel):
            values[name], keys = _plain_section(value)
            changed += [f"{name}.{key}" for key in keys]
    for name in _wrong_sections(values):
        # Without its text a section may not be whole, such as two pins of which one had a name.
        changed = [key for key in changed if not key.startswith(f"{name}.")] + [name]
        del values[name]
    changed += ["locked"] if config.locked else []
    return {"profile": PROFILE, **values}, changed


def _plain_section(section: BaseModel) -> tuple[dict[str, Any], list[str]]:
    values, changed = {}, []
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        safe = value is None or isinstance(value, bool | int | float) or get_origin(field.annotation) is Literal
        if safe or value == field.get_default():
            values[name] = section.model_dump(mode="json", include={name})[name]
        else:
            changed.append(name)
    return values, changed


def _wrong_sections(values: Mapping[str, Any]) -> set[str]:
    try:
        Config.model_validate(dict(values))
    except ValidationError as error:
        return {str(fault["loc"][0]) for fault in error.errors() if fault["loc"]}
    return set()


def plain_profile(profile: Profile) -> dict[str, Any]:
    """Return the values of `profile`, with the rules of the one that it extends."""
    return profile.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude={"extends", "description"})


def plain_run(info: Mapping[str, Any]) -> dict[str, Any]:
    """Return run.json without the name and path of the clip."""
    suffix = PurePath(str(info.get("clip"))).suffix
    texts = [_plain_text(str(text), str(info.get("clip"))) for text in info.get("warnings") or ()]
    named = {"clip": f"{CLIP}{suffix if suffix.isascii() else ''}"}
    return {key: info[key] for key in FIELDS if key in info} | named | {"warnings": texts}


def _plain_text(text: str, clip: str) -> str:
    for name in (clip, PurePath(clip).stem):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", CLIP, text) if name else text
    return HIDDEN if "/" in text else text


def plain_alert(alert: Mapping[str, Any], vehicle: str, config: str) -> dict[str, Any]:
    """Return `alert` as a replay with the plain configuration writes it. `config`: hash of that configuration."""
    return {**alert, "vehicle": vehicle, "config": config}

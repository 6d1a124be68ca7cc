"""The base class of all sections of the configuration, and the type of its folders and files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

Folder = Annotated[Path | None, Field(strict=False), BeforeValidator(lambda value: None if value == "" else value)]
"""A folder or file. YAML has no paths, so text is converted. Empty text means None, not the current folder."""

MAX_TEXT = 1000
"""Characters (ours). Longer than any path or URL a person writes, shorter than the system's limit (PATH_MAX, 4096)."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class Section(BaseModel):
    """Base of all sections; values cannot change. Errors: unknown keys, wrong types, control characters, long text."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_default=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _text(cls, value: object) -> object:
        """Refuse text that cannot be a path, an address or a name; the system would fail on it much later."""
        if isinstance(value, str) and _CONTROL.search(value):
            raise ValueError(f"a control character is not allowed here, found {value[:60]!r}; remove it")
        if isinstance(value, str) and len(value) > MAX_TEXT:
            raise ValueError(f"{len(value)} characters are too many; use at most {MAX_TEXT}")
        return value

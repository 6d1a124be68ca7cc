"""Keeps the last configuration that worked, with its profile: a service starts with it when its own file is wrong.

The file is JSON. It is replaced as a whole, so that a power cut leaves the old one or the new one.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from driver_monitor.config.schema import Config
from driver_monitor.disk.regular_file import read_regular
from driver_monitor.errors import ConfigError

FILE = "last-good.json"
MODE = 0o600
"""The source of a camera may hold a password: not for all users."""
MAX_BYTES = 512_000
"""Ours: a configuration and a profile of the largest size, each character escaped. A larger file is damaged."""
SCHEMA = 1


class LastGood(NamedTuple):
    """A configuration that worked. `profile_text`: the text of its profile's own file."""

    config: Config
    profile_text: str


def save(folder: Path, good: LastGood) -> None:
    """Write `good` to its file in `folder`, which is created if necessary; not if it is there already.

    Raises `OSError`.
    """
    values = {"schema": SCHEMA, "config": good.config.model_dump(mode="json"), "profile_text": good.profile_text}
    data, path = json.dumps(values, indent=1).encode(), folder / FILE
    folder.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):
        if read_regular(path, len(data) + 1) == data:
            return
    written = folder / f"{FILE}.new"
    written.unlink(missing_ok=True)
    with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE), "wb") as file:
        os.fchmod(file.fileno(), MODE)  # whatever the umask
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    written.replace(path)


def load(folder: Path) -> LastGood | None:
    """Return what `save` wrote last; None: nothing yet. Raises `ConfigError` if it is damaged or of another version."""
    path = folder / FILE
    try:
        values = json.loads(read_regular(path, MAX_BYTES))
        if values["schema"] != SCHEMA or not isinstance(values["profile_text"], str):
            raise ValueError("of another version")
        return LastGood(Config.model_validate(values["config"]), values["profile_text"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        reason = "not a configuration of this version" if isinstance(error, ValidationError) else error
        reason = getattr(error, "strerror", None) or reason
        raise ConfigError(
            f"{path}: cannot be used: {' '.join(str(reason).split())}; it will be written again"
        ) from None

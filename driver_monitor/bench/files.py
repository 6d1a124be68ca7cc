"""Read files that a user names, with one-line errors."""

from __future__ import annotations

import stat
from pathlib import Path

from pydantic import ValidationError

from driver_monitor.config.yaml_file import plain_reason
from driver_monitor.errors import LabelError
from driver_monitor.messages.lines import plain


def read_bytes(path: Path, limit: int, wanted: str) -> bytes:
    """Return the content of a file. Raises `LabelError`: unreadable, more than `limit` bytes, or not a regular file.

    `wanted`: words in the error that say which file to give. Reading a pipe or a device may never end.
    """
    try:
        check_regular(path, wanted)
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise LabelError(f"{path}: cannot read it: {error.strerror}; check the path and its permissions") from error
    if len(data) > limit:
        raise LabelError(f"{path}: more than {limit // 1_000_000} MB, too large; give {wanted}")
    return data


def check_regular(path: Path, wanted: str) -> None:
    """Raise `LabelError`, which asks for `wanted`, if `path` is not a regular file; `OSError` if it is missing."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise LabelError(f"{path}: not a regular file; give {wanted}")


def first_fault(error: ValidationError) -> str:
    """Return one line on `error`: key (if any) and reason of its first fault, and how many further faults there are."""
    faults = error.errors(include_url=False)
    reason = plain_reason(faults[0]).replace("`key: value` lines", "an object in braces")
    # For a value of several types, pydantic adds the name of a Python type to the key.
    parts = [part for part in faults[0]["loc"] if part not in ("float", "bool", "str")]
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".")
    more = f" (and {len(faults) - 1} more faults)" if len(faults) > 1 else ""
    return plain(f"{key}: {reason}{more}" if key else f"{reason}{more}")

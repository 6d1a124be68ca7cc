"""Read files that a user names, with one-line errors."""

from __future__ import annotations

import stat
from pathlib import Path

from pydantic import ValidationError

from driver_monitor.errors import LabelError


def read_bytes(path: Path, limit: int, wanted: str) -> bytes:
    """Return the content of `path`, at most `limit` bytes. `wanted` tells the user which file to give.

    Only regular files are opened: a pipe would block, and a device may never end. Raises `LabelError`.
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
    """Raise `LabelError` if `path` is not a regular file, and `OSError` if it does not exist."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise LabelError(f"{path}: not a regular file; give {wanted}")


def shortened(text: object, length: int) -> str:
    """Return `text` on one line, cut to `length` characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= length else f"{line[: length - 3]}..."


def first_fault(error: ValidationError) -> str:
    """Return key and reason of the first fault, and the number of further faults."""
    faults = error.errors(include_url=False)
    kind, text = faults[0]["type"], faults[0]["msg"].removeprefix("Value error, ")
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in faults[0]["loc"]).lstrip(".")
    reason = {"missing": "missing", "value_error": text, "model_type": "expected an object in braces"}.get(kind)
    if reason is None:
        reason = f"{text[0].lower()}{text[1:]}, found {shortened(repr(faults[0]['input']), 60)}"
    more = f" (and {len(faults) - 1} more faults)" if len(faults) > 1 else ""
    return f"{key}: {reason}{more}" if key else f"{reason}{more}"

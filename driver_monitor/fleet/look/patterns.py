"""Names of vehicles and rules with `*` in them, which stands for any text: for messages and for SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from driver_monitor.errors import UsageError
from driver_monitor.fleet.store.views import Engine

_NOT_IN_TOPIC = re.compile(r"[/+#\0\ud800-\udfff]")
"""No topic has these in a name. Half a surrogate pair stands for bytes of a command line that are not UTF-8."""
MOST_STARS = 8
"""More than these in one pattern take long to compare, and nobody needs them (ours)."""


def check(option: str, patterns: Sequence[str]) -> None:
    """Raise `UsageError` if a pattern of `option` cannot be part of a topic, or has too many stars."""
    for pattern in patterns:
        if not pattern or _NOT_IN_TOPIC.search(pattern):
            raise UsageError(
                f"{option}: '{pattern:.60}' is no name; give one such as van-12, or a pattern such as van-*"
            )
        if pattern.count("*") > MOST_STARS:
            raise UsageError(f"{option}: '{pattern:.60}' has more than {MOST_STARS} stars; give a simpler pattern")


def matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Return a function that says whether a name matches one of `patterns`. No patterns: every name does."""
    if not patterns:
        return lambda _: True
    parts = (".*?".join(re.escape(part) for part in re.split(r"\*+", pattern)) for pattern in patterns)
    found = re.compile("|".join(parts), re.DOTALL).fullmatch
    return lambda name: found(name) is not None


def condition(engine: Engine, column: str, patterns: Sequence[str]) -> tuple[str, list[object]]:
    """Return the SQL condition that `column` matches one of `patterns`, and its parameters. No patterns: always."""
    if not patterns:
        return "1 = 1", []
    one = f"{column} GLOB ?" if engine == "sqlite" else f"{column} LIKE ?"
    convert = _glob if engine == "sqlite" else _like
    return f"({' OR '.join([one] * len(patterns))})", [convert(pattern) for pattern in patterns]


def _glob(pattern: str) -> str:
    return re.sub(r"[\[?]", lambda found: f"[{found[0]}]", pattern)


def _like(pattern: str) -> str:
    return re.sub(r"[\\%_]", lambda found: f"\\{found[0]}", pattern).replace("*", "%")

"""Keeps who has looked at an episode, when, and a note. What is kept never changes: it is the audit."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from driver_monitor.errors import DriverMonitorError, UsageError
from driver_monitor.fleet.look import patterns
from driver_monitor.fleet.store.store import Store
from driver_monitor.fleet.store.views import Engine

MOST_TEXT = 500
"""Characters of a name and of a note (ours)."""
PART = 500
"""Episodes that are looked up at once: engines bound the parameters of a query."""


class UnknownEpisodeError(DriverMonitorError):
    """An episode is not in the store."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What an acknowledgement did. `before`: episodes that were acknowledged already."""

    now: int
    before: int


def acknowledge(store: Store, episodes: Sequence[str], by_whom: str, at: datetime, note: str = "") -> Acknowledged:
    """Keep that `by_whom` has looked at `episodes`. All are kept, or none.

    Raises `UsageError` (text or id that cannot be right) and `UnknownEpisodeError`. An episode that became worse after
    it was acknowledged is acknowledged once more.
    """
    _check_text("--by", by_whom)
    if note:
        _check_text("--note", note)
    wanted = list(dict.fromkeys(_uuid(episode) for episode in episodes))
    known = _known(store, wanted)
    for episode in wanted:
        if episode not in known:
            raise UnknownEpisodeError(
                f"{episode}: the store has no such episode; see `fleet report`. Nothing was changed"
            )
    new = [episode for episode in wanted if not known[episode]]
    store.acknowledge(new, by_whom, at, note)
    return Acknowledged(len(new), len(wanted) - len(new))


def acknowledge_all(
    store: Store, engine: Engine, vehicles: Sequence[str], before: datetime, by_whom: str, at: datetime, note: str = ""
) -> Acknowledged:
    """Keep that `by_whom` has looked at all episodes of `vehicles` (patterns) that began before `before`.

    Of the levels warning and critical. Raises `UsageError`.
    """
    _check_text("--by", by_whom)
    if note:
        _check_text("--note", note)
    where, names = patterns.condition(engine, "vehicle", vehicles)
    rows = store.query(
        f"SELECT episode FROM v_episode WHERE NOT acknowledged AND level <> 'info' AND begun < ? AND {where}",
        [before, *names],
    )
    store.acknowledge([str(episode) for (episode,) in rows], by_whom, at, note)
    return Acknowledged(len(rows), 0)


def _known(store: Store, episodes: Sequence[str]) -> dict[str, bool]:
    """Return whether each episode is acknowledged. Those that the store does not have are left out."""
    known: dict[str, bool] = {}
    for start in range(0, len(episodes), PART):
        part = episodes[start : start + PART]
        marks = ",".join("?" * len(part))
        rows = store.query(f"SELECT episode, acknowledged FROM v_episode WHERE episode IN ({marks})", part)
        for episode, acknowledged in rows:
            # An id that two vehicles use is acknowledged when it is for both.
            known[str(episode)] = known.get(str(episode), True) and bool(acknowledged)
    return known


def _check_text(option: str, text: str) -> None:
    if not text.strip() or len(text) > MOST_TEXT or not text.isprintable():
        raise UsageError(f"{option}: give one line of 1 to {MOST_TEXT} characters")


def _uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise UsageError(f"'{text:.60}' is no id of an episode; copy it from `fleet report`") from None

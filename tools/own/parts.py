"""Split a user's labelled data into parts, to measure nets on what they have not learned from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_PARTS = 5
"""Largest number of parts: a net is trained for each (ours)."""
THIRDS = 3


@dataclass(frozen=True)
class Parts:
    """`part` (n,): which part each row is in. `count`: number of parts. `by`: "person", "clip" or "time"."""

    part: NDArray[np.int64]
    count: int
    by: str


def parts_of(
    person: NDArray[np.str_], clip: NDArray[np.str_], time: NDArray[np.int64], state: NDArray[np.str_], rare: str
) -> Parts:
    """Split rows by person if two persons have rows of the state `rare`, else by clip if two clips have, else by time.

    All (n,). Persons and clips with most rare rows come first; each goes to the part with the fewest of them. By time,
    each state of each clip is cut into thirds: neighbouring rows are alike, so this is the weakest split.
    """
    for by, unit in (("person", person), ("clip", clip)):
        _, which = np.unique(unit, return_inverse=True)
        rows = np.bincount(which, state == rare).astype(np.float64)
        if np.count_nonzero(rows) >= 2:
            count = min(MOST_PARTS, int(np.count_nonzero(rows)))
            return Parts(_spread(rows, np.bincount(which).astype(np.float64), count)[which], count, by)
    part = np.zeros(len(person), np.int64)
    for one in np.unique(clip):
        for kind in np.unique(state):
            mine = np.flatnonzero((clip == one) & (state == kind))
            mine = mine[np.argsort(time[mine], kind="stable")]
            part[mine] = np.arange(len(mine)) * THIRDS // max(len(mine), 1)
    return Parts(part, THIRDS, "time")


def _spread(rare: NDArray[np.float64], rows: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Return the part of each unit. `rare`, `rows`: number of rare rows and of all rows of each unit."""
    part = np.zeros(len(rare), np.int64)
    filled = np.zeros((count, 2))
    for unit in np.lexsort((-rows, -rare)):
        part[unit] = min(range(count), key=lambda k: (filled[k, 0], filled[k, 1], k))
        filled[part[unit]] += rare[unit], rows[unit]
    return part

"""All labelled eyes of a user: the crops of all clips in one table, and whether they are enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from driver_monitor.errors import LabelError
from tools.eyes.own.crops import CLOSED, EyeCrops
from tools.own.parts import Parts, parts_of

LEAST_CLOSED, LEAST_OPEN = 40, 20
"""Fewest frames with closed and with open eyes: about three closures of half a second (ours)."""


@dataclass(frozen=True)
class EyeTable:
    """`crops`: of all clips, with numbers of events that differ from clip to clip. `clip`, `person` (n,): the names."""

    crops: EyeCrops
    clip: NDArray[np.str_]
    person: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.clip)

    @property
    def usable(self) -> NDArray[np.bool_]:
        """(n,): at least one eye can be read, so the frame can teach or measure open and closed."""
        return np.asarray(self.crops.readable.any(1))

    @property
    def closed(self) -> NDArray[np.bool_]:
        """(n,): labelled closed."""
        return np.asarray(self.crops.state == CLOSED)

    def of(self, rows: NDArray[np.bool_]) -> EyeTable:
        """Return some rows."""
        return EyeTable(self.crops.of(rows), self.clip[rows], self.person[rows])

    def parts(self) -> Parts:
        """Return the parts to measure on. Only usable frames count for the choice."""
        state = np.where(self.usable, self.crops.state, "unused")
        return parts_of(self.person, self.clip, self.crops.frame, state, CLOSED)


def table_of(clips: Sequence[tuple[str, str, EyeCrops]]) -> EyeTable:
    """Return the table of clips: name, person and crops of each."""
    moved, next_event = [], 0
    for _, _, crops in clips:
        moved.append(replace(crops, event=crops.event + next_event))
        next_event += int(crops.event.max(initial=-1)) + 1
    joined = EyeCrops(*(np.concatenate([getattr(c, field.name) for c in moved]) for field in fields(EyeCrops)))
    names = np.repeat([name for name, _, _ in clips], [len(c) for c in moved])
    persons = np.repeat([person for _, person, _ in clips], [len(c) for c in moved])
    return EyeTable(joined, names, persons)


def check_enough(table: EyeTable) -> None:
    """Raise `LabelError`, which says what to label more, if there are too few closed or open eyes."""
    closed = int((table.closed & table.usable).sum())
    opened = int((~table.closed & table.usable).sum())
    if closed < LEAST_CLOSED or opened < LEAST_OPEN:
        more = "closures" if closed < LEAST_CLOSED else "open eyes"
        raise LabelError(
            f"too few labelled eyes: {closed} usable frames are closed (at least {LEAST_CLOSED}), {opened} open "
            f"(at least {LEAST_OPEN}); label more {more}"
        )

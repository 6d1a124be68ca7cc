"""Which net may learn from which person. No figure is measured on a person that the net has learned from.

`incar_stills` names 51 persons. Three of them are also in the labelled clips: no shipped net learns from these. The
shipped nets learn from all others. So figures on the stills come from five more nets of each kind: net `k` has not
learned from the persons of fold `k`.
"""

from __future__ import annotations

import csv
import zlib
from collections import Counter, defaultdict
from pathlib import Path

CLIP_PERSONS = frozenset({"p047", "p055", "p074"})
"""Persons of `incar_4`, `incar_1` and `incar_3` (`person` in the clips' labels); no net learns from them."""
FOLDS = 5
_RAREST_FIRST = ("closed", "lowered", "hidden", "unsure", "open")


def folds(stills: Path) -> dict[str, int]:
    """Give each person of `stills` (the folder with `labels.csv`) a fold, 0 to 4. It is the same on every machine."""
    return spread(stills / "labels.csv")


def spread(labels: Path) -> dict[str, int]:
    """Give each `person` of a CSV file with a column `eyes` a fold, 0 to 4. It is the same on every machine.

    Persons with most eyes of the rarest kinds come first; each goes to the fold with the fewest eyes of these kinds.
    """
    eyes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    with labels.open(newline="") as lines:
        for row in csv.DictReader(lines):
            eyes[row["person"]][row["eyes"]] += 1
    total = sum(eyes.values(), Counter())
    filled = [Counter[str]() for _ in range(FOLDS)]
    place: dict[str, int] = {}
    for person in sorted(eyes, key=lambda name: ([-eyes[name][kind] for kind in _RAREST_FIRST], name)):
        own = eyes[person]
        place[person] = min(
            range(FOLDS), key=lambda k: sum(filled[k][kind] * own[kind] / total[kind] ** 2 for kind in own)
        )
        filled[place[person]] += own
    return place


def may_teach(person: str, fold: int | None, place: dict[str, int]) -> bool:
    """Return whether the net of `fold` (None: the shipped net) may learn from `person`.

    It may always learn from people without a fold.
    """
    return person not in CLIP_PERSONS and (fold is None or place.get(person) != fold)


def is_held_out(person: str) -> bool:
    """Return whether the detector never learns from this person of a portrait: one in ten, by the name's checksum."""
    return zlib.crc32(person.encode()) % 1000 < 100

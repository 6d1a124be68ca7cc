"""Who may teach what: the folds by person that every net keeps, so that a figure is never of a person it learned from.

`incar_stills` names 51 persons. Those who are also in the labelled clips teach no shipped net, so that the clips are
of people it has not seen. The others teach the shipped nets; figures on the stills come from five further nets each,
of which net `k` has learned from no picture of the persons of fold `k`.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from pathlib import Path

CLIP_PERSONS = frozenset({"p047", "p055", "p074"})
"""Persons of `incar_4`, `incar_1` and `incar_3` (`person` in the clips' labels); no net learns from them."""
FOLDS = 5
_RAREST_FIRST = ("closed", "lowered", "hidden", "unsure", "open")


def folds(stills: Path) -> dict[str, int]:
    """Give each person of `stills` (the folder with `labels.csv`) a fold, 0 to 4, the same on every machine.

    Persons with most of the rarest kinds of eyes are dealt out first, each into the fold that has fewest of them.
    """
    eyes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    with (stills / "labels.csv").open(newline="") as lines:
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
    """Whether `person` may teach the net of `fold`, None for the shipped one; people who have no fold always may."""
    return person not in CLIP_PERSONS and (fold is None or place.get(person) != fold)

"""Compares what cars have put into their spools with what is in the operator's store."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class InSpool:
    """An alert that a car has put into its spool: a line that `fleet simulate --record` writes."""

    vehicle: str
    id: str
    seq: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the store's table of alerts."""

    vehicle: str
    id: str
    seq: int
    body: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether something that must hold does, and in words."""

    holds: bool
    text: str


def judge(spools: Iterable[InSpool], rows: Iterable[Row], statuses: Mapping[str, Mapping[str, Any]]) -> list[Answer]:
    """Return what holds. `statuses`: the last status of each vehicle, which names the numbers that never come."""
    sent = {one.id: one for one in spools}
    found, numbers = Counter[str](), defaultdict[str, set[int]](set)
    changed = moved = 0
    for row in rows:
        found[row.id] += 1
        numbers[row.vehicle].add(row.seq)
        if (one := sent.get(row.id)) is not None:
            changed += hashlib.sha256(row.body.encode()).hexdigest() != one.sha256
            moved += (row.vehicle, row.seq) != (one.vehicle, one.seq)
    lost = len(sent.keys() - found.keys())
    strange = len(found.keys() - sent.keys())
    double = sum(count - 1 for count in found.values())
    explained, unexplained = _holes(numbers, statuses)
    return [
        Answer(
            not (lost or strange or double),
            f"{len(sent)} alerts in spools, {found.total()} rows: {lost} lost, {double} twice, {strange} from nowhere",
        ),
        Answer(not (changed or moved), f"{changed} rows differ from the car's bytes, {moved} from its number"),
        Answer(
            not unexplained, f"numbers that never came: {explained} explained by the cars, {unexplained} unexplained"
        ),
    ]


def _holes(numbers: Mapping[str, set[int]], statuses: Mapping[str, Mapping[str, Any]]) -> tuple[int, int]:
    """Return how many numbers between the first and the last of each vehicle are missing: explained, not explained."""
    explained = unexplained = 0
    for vehicle, there in numbers.items():
        spool = statuses.get(vehicle, {}).get("spool") or {}
        ranges = [(first, last) for first, last, _reason in spool.get("absent") or ()]
        for missing in set(range(min(there), max(there))) - there:
            known = any(first <= missing <= last for first, last in ranges)
            explained, unexplained = explained + known, unexplained + (not known)
    return explained, unexplained


def read_record(lines: Iterable[str]) -> list[InSpool]:
    """Return the alerts of a file that `fleet simulate --record` has written."""
    return [InSpool(**json.loads(line)) for line in lines]

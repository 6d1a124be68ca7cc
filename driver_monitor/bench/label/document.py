"""The labels of one clip while they are edited (pure). Every edit returns a new document.

Frames that nobody has looked at must not count as open eyes. The file says twice which these are: `reviewed` has the
ranges that a person has looked at, and every other frame lies in an event `uncertain`, `uncertain_head` and
`uncertain_mouth` with `"unreviewed": true`, for readers that do not know `reviewed`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from driver_monitor.bench.files import first_fault
from driver_monitor.bench.score.labels import CAMERA, TYPES, ClipLabels

UNREVIEWED = ("uncertain", "uncertain_head", "uncertain_mouth")
"""Types of the events that cover what nobody has looked at: eyes, head and mouth are not scored there."""
MARK = "unreviewed"
"""The key of these events. They are made anew at each save."""
FIELDS = ("person", "look_away_reference", "blinks", "closures_over_half_second")
"""What a person may change beside the events."""
MOST_EVENTS = 50_000
"""More events than an hour of labels has (ours)."""

Range = tuple[int, int]
"""First and last frame, both included."""


class EditError(ValueError):
    """An edit that cannot be done. The text is for the page."""


@dataclass(frozen=True, slots=True)
class NumberedEvent:
    """A label with a number, by which edits name it. `values`: as in the file, with keys that nobody here knows."""

    number: int
    values: Mapping[str, Any]

    @property
    def span(self) -> Range:
        """First and last frame."""
        return self.values["start"], self.values["end"]


@dataclass(frozen=True, slots=True)
class LabelDocument:
    """The labels of one clip. `values`: the object of the file without `events`, `reviewed` and `rejected`.

    `reviewed`: sorted, without overlaps. `rejected`: type, first and last frame of each rejected suggestion.
    `following`: number of the next new event.
    """

    values: Mapping[str, Any]
    events: tuple[NumberedEvent, ...] = ()
    reviewed: tuple[Range, ...] = ()
    rejected: frozenset[tuple[str, int, int]] = frozenset()
    following: int = 0

    @property
    def frames(self) -> int:
        """Number of frames of the clip."""
        return int(self.values["frames"])

    def to_json(self) -> dict[str, Any]:
        """Return the object of the label file."""
        events = [dict(one.values) for one in sorted(self.events, key=lambda one: one.span)]
        hidden = [
            {"type": kind, "start": first, "end": last, MARK: True}
            for first, last in gaps(self.reviewed, self.frames)
            for kind in UNREVIEWED
        ]
        rejected = [{"type": kind, "start": first, "end": last} for kind, first, last in sorted(self.rejected)]
        seen = [list(one) for one in self.reviewed]
        return {**self.values, "reviewed": seen, "rejected": rejected, "events": events + hidden}

    def labels(self) -> ClipLabels:
        """Return the labels as the scores read them. Raises `EditError`: they would be no valid file."""
        try:
            return ClipLabels.model_validate(self.to_json())
        except ValidationError as error:
            raise EditError(first_fault(error)) from None


def new_document(clip: str, person: str, fps: float, frames: int) -> LabelDocument:
    """Return a document without labels. `person`: empty until somebody has said who it is."""
    return LabelDocument(
        {"clip": clip, "person": person, "fps": round(fps, 4), "frames": frames, "look_away_reference": CAMERA}
    )


def of_json(values: Mapping[str, Any]) -> LabelDocument:
    """Return the document of a label file that `load_labels` accepts.

    Without `reviewed`, all frames are reviewed but those in an event with `MARK`.
    """
    frames = int(values["frames"])
    events = [one for one in values["events"] if one.get(MARK) is not True]
    hidden = merged((one["start"], one["end"]) for one in values["events"] if one.get(MARK) is True)
    kept = {key: value for key, value in values.items() if key not in ("events", "reviewed", "rejected")}
    seen = values.get("reviewed")
    reviewed = gaps(hidden, frames) if seen is None else [(one[0], one[1]) for one in seen]
    numbered = tuple(NumberedEvent(number, one) for number, one in enumerate(events))
    return LabelDocument(kept, numbered, merged(reviewed), _rejected(values.get("rejected")), len(numbered))


def _rejected(values: Any) -> frozenset[tuple[str, int, int]]:
    found = values if isinstance(values, list) else []
    return frozenset(
        (str(one["type"]), one["start"], one["end"])
        for one in found
        if isinstance(one, dict) and isinstance(one.get("start"), int) and isinstance(one.get("end"), int)
        and "type" in one
    )  # fmt: skip


def edited(document: LabelDocument, edit: Mapping[str, Any]) -> LabelDocument:
    """Return the document after an edit of the page. Raises `EditError`: it is not understood, or impossible."""
    function = _EDITS.get(str(edit.get("op")))
    if function is None:
        raise EditError("this edit is not known; reload the page")
    try:
        changed = function(document, edit)
    except (LookupError, TypeError) as error:
        raise EditError("this edit is not complete; reload the page") from error
    changed.labels()
    return changed


def _add(document: LabelDocument, edit: Mapping[str, Any]) -> LabelDocument:
    if edit["type"] not in TYPES:
        raise EditError(f"there is no type {edit['type']!r}")
    if len(document.events) >= MOST_EVENTS:
        raise EditError(f"more than {MOST_EVENTS} labels in one clip")
    values = {
        key: edit[key] for key in ("type", "start", "end", "direction", "confidence") if edit.get(key) is not None
    }
    event = NumberedEvent(document.following, values)
    return replace(document, events=(*document.events, event), following=document.following + 1)


def _change(document: LabelDocument, edit: Mapping[str, Any]) -> LabelDocument:
    """Change some keys of an event; None removes a key. Keys that the edit does not name are kept."""
    wanted = {key: edit[key] for key in ("type", "start", "end", "direction", "confidence") if key in edit}
    if wanted.get("type", "yawn") not in TYPES:
        raise EditError(f"there is no type {wanted['type']!r}")
    old = _event(document, edit)
    values = {key: value for key, value in {**old.values, **wanted}.items() if value is not None}
    events = tuple(replace(one, values=values) if one is old else one for one in document.events)
    return replace(document, events=events)


def _remove(document: LabelDocument, edit: Mapping[str, Any]) -> LabelDocument:
    old = _event(document, edit)
    return replace(document, events=tuple(one for one in document.events if one is not old))


def _event(document: LabelDocument, edit: Mapping[str, Any]) -> NumberedEvent:
    for one in document.events:
        if one.number == edit["number"]:
            return one
    raise EditError("this label is not there any more")


def _accept(document: LabelDocument, edit: Mapping[str, Any]) -> LabelDocument:
    """Make a label of a suggestion. One that was rejected before is not any more."""
    changed = _add(document, edit)
    return replace(changed, rejected=changed.rejected - {_key(edit)})


def _reject(document: LabelDocument, edit: Mapping[str, Any]) -> LabelDocument:
    if edit["type"] not in TYPES or not 0 <= edit["start"] <= edit["end"] < document.frames:
        raise EditError("there is no such suggestion")
    return replace(document, rejected=document.rejected | {_key(edit)})


def _key(edit: Mapping[str, Any]) -> tuple[str, int, int]:
    return str(edit["type"]), edit["start"], edit["end"]


def _review(document: LabelDocument, edit: Mapping[str, Any]) -> LabelDocument:
    """Mark a range as looked at, or with `reviewed` false as not looked at."""
    first, last = edit["start"], edit["end"]
    if not 0 <= first <= last < document.frames:
        raise EditError(f"there are no frames {first} to {last}")
    if edit.get("reviewed", True):
        return replace(document, reviewed=merged([*document.reviewed, (first, last)]))
    parts = [(a, min(b, first - 1)) for a, b in document.reviewed]
    parts += [(max(a, last + 1), b) for a, b in document.reviewed]
    return replace(document, reviewed=merged([(a, b) for a, b in parts if a <= b]))


def _set(document: LabelDocument, edit: Mapping[str, Any]) -> LabelDocument:
    """Change `person` and other fields; None removes one."""
    wanted = {key: edit[key] for key in FIELDS if key in edit}
    values = {**document.values, **wanted}
    if not str(values.get("person") or "").strip():
        raise EditError("say who the driver is: a name or a number, the same in all clips of this person")
    return replace(document, values={key: value for key, value in values.items() if value is not None})


_EDITS = {
    "add": _add,
    "change": _change,
    "remove": _remove,
    "accept": _accept,
    "reject": _reject,
    "review": _review,
    "set": _set,
}


def merged(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """Return the same frames as sorted ranges that neither overlap nor touch."""
    result: list[Range] = []
    for first, last in sorted(ranges):
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(result[-1][1], last))
        else:
            result.append((first, last))
    return tuple(result)


def gaps(ranges: Iterable[Range], frames: int) -> list[Range]:
    """Return the ranges between sorted `ranges`, from frame 0 to `frames` - 1."""
    result, start = [], 0
    for first, last in [*ranges, (frames, frames)]:
        if first > start:
            result.append((start, first - 1))
        start = last + 1
    return result

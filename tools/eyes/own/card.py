"""Write the model card of a fine-tuned eye net, and say in words whether it is better."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from driver_monitor.bench.score.intervals import Figure
from tools.eyes.own.crops import CLOSED, LOWERED, OPEN
from tools.eyes.own.figures import EyeFigures
from tools.eyes.own.table import EyeTable
from tools.own.parts import Parts

STATES = (OPEN, LOWERED, CLOSED)
MORE_WRONG = 0.005
"""Share of the frames of the bundled clip that the new net may judge wrongly beyond those of the start net (ours)."""
MORE_HIDDEN = 0.05
"""Largest rise of the mean probability of hidden, on own eyes and on the bundled clip (ours)."""
SPLITS = {
    "person": "by person: each person is measured by a net that has not learned from this person",
    "clip": "by clip: only one person has closed eyes, so these figures hold for this person in these clips",
    "time": "by time: one clip has all closed eyes; each third of it is measured by a net that has learned from the "
    "other two. Neighbouring frames are alike, so these figures are too good",
}


@dataclass(frozen=True)
class Measured:
    """Figures of the start net and of the new net on the same frames. `title`: which frames."""

    title: str
    start: EyeFigures
    new: EyeFigures


@dataclass(frozen=True)
class Origin:
    """Where a net comes from. `start`: name and SHA-256 of the start net. `command`: as the user typed it."""

    start: str
    sha256: str
    command: str
    day: str
    seed: int
    seconds: float


def faults_of(own: Measured, bundled: Measured) -> list[str]:
    """Return why the new net must not be used; nothing if it is better on own eyes and no worse on the bundled clip."""
    faults = []
    if own.new.loss >= own.start.loss or _wrong(own.new) > _wrong(own.start):
        faults.append(
            f"on your eyes that it has not learned from it is not better: {_wrong(own.new)} frames wrong "
            f"(before: {_wrong(own.start)}), cross entropy {own.new.loss:.4f} (before: {own.start.loss:.4f})"
        )
    frames = bundled.start.missed.total + bundled.start.false.total
    if _wrong(bundled.new) - _wrong(bundled.start) > MORE_WRONG * frames:
        faults.append(
            f"it has forgotten: on the bundled clip {_wrong(bundled.new)} of {frames} frames are wrong (before: "
            f"{_wrong(bundled.start)})"
        )
    if any(one.new.hidden - one.start.hidden > MORE_HIDDEN for one in (own, bundled)):
        faults.append("it calls many more eyes hidden than before")
    return faults


def _wrong(figures: EyeFigures) -> int:
    return figures.missed.right + figures.false.right


def card(origin: Origin, table: EyeTable, parts: Parts, own: Measured, others: Sequence[Measured]) -> str:
    """Return the card in markdown. `own`: measured on what the nets have not learned from. `others`: the new net."""
    return "\n".join(
        [
            "# eyes.onnx: fine-tuned on your own drivers",
            "",
            "Do not pass this file on without asking the persons it has learned from.",
            "Input and output are those of the net it started from (below).",
            "",
            "| | |",
            "| --- | --- |",
            f"| made | {origin.day}, in {origin.seconds:.0f} s, by `{origin.command}` |",
            f"| start net | {origin.start}, SHA-256 `{origin.sha256}` |",
            f"| seed | {origin.seed} (the nets of the parts: {origin.seed + 1} to {origin.seed + parts.count}) |",
            "| what learned | the last two layers of the branch of the eye (`tools.eyes.own.fine_tune`) |",
            "| calibration | that of the start net. The daemon's limits fit if the rows *sure* are no worse |",
            "",
            "## Your data",
            "",
            *_counts(table),
            "",
            "## On your eyes, left out",
            "",
            f"Split into {parts.count} parts {SPLITS[parts.by]}. The shipped file has learned from all parts.",
            "",
            *_table(own),
            "",
            *_lines_of(others),
            "95 % intervals: bootstrap over persons; with one person over labelled stretches, which is too narrow.",
            "None: fewer than three of these have closed eyes. A frame counts as closed at even odds, before the",
            "daemon's lids and hysteresis: `driver-monitor score clips` measures these too.",
        ]
    )


def _lines_of(others: Sequence[Measured]) -> list[str]:
    lines = []
    for one in others:
        lines += [f"## On what it knew: {one.title}", "", *_table(one), ""]
    return lines


def _counts(table: EyeTable) -> list[str]:
    lines = [f"| person | clips | {' | '.join(STATES)} | closures |", "| --- " * (len(STATES) + 3) + "|"]
    for person in [*np.unique(table.person), None]:
        rows = np.ones(len(table), bool) if person is None else table.person == person
        states = [str(int((table.crops.state[rows] == state).sum())) for state in STATES]
        closures = len(np.unique(table.crops.event[rows & table.closed]))
        name = "all" if person is None else str(person).replace("|", "/")
        lines.append(f"| {name} | {len(np.unique(table.clip[rows]))} | {' | '.join(states)} | {closures} |")
    return [*lines, "", "Frames that were used: of open eyes five a second. Frames beside an edge are left out."]


def _table(of: Measured) -> list[str]:
    rows: tuple[tuple[str, Callable[[EyeFigures], str]], ...] = (
        ("AUC, closed against open and lowered", lambda f: _words(f.auc)),
        ("accuracy", lambda f: _words(f.accuracy)),
        ("closed called open", lambda f: str(f.missed)),
        ("open called closed", lambda f: str(f.false)),
        ("sure: closed with p of 0.7 and more", lambda f: str(f.sure_closed)),
        ("sure: open with p of 0.2 and less", lambda f: str(f.sure_open)),
        ("cross entropy", lambda f: f"{f.loss:.4f}"),
        ("mean probability of hidden", lambda f: f"{f.hidden:.3f}"),
    )
    return [
        "| | start net | this net |",
        "| --- | --- | --- |",
        *(f"| {title} | {cell(of.start)} | {cell(of.new)} |" for title, cell in rows),
    ]


def _words(figure: Figure) -> str:
    if figure.value is None:
        return "-"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.4f}"
    return f"{figure.value:.4f} ({figure.low:.4f} to {figure.high:.4f})"

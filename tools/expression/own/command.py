"""The steps of `python -m tools.expression.train --own DIR`: read pictures, fit the temperature, measure, write."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import EXPRESSIONS
from driver_monitor.errors import DriverMonitorError
from driver_monitor.state.expression.expression_tracker import ANSWER_FROM
from tools.expression.own.faces import Faces, faces_of
from tools.expression.own.head import ExpressionFile, Floats, Head
from tools.own.folder import check_free, write_folder
from tools.own.parts import parts_of

TEMPERATURES = np.exp(np.linspace(np.log(0.5), np.log(10.0), 121))
"""Temperatures to choose from. Above 1 the net becomes less sure, below 1 surer."""


@dataclass(frozen=True)
class Figures:
    """Of n pictures: accuracy, cross entropy in nats, how many get an answer, and how many of these are right."""

    right: int
    total: int
    loss: float
    answered: int
    answered_right: int

    def cells(self) -> list[str]:
        """Return the cells of a table."""
        return [
            f"{self.right} of {self.total}",
            f"{self.loss:.3f}",
            f"{self.answered} of {self.total}",
            f"{self.answered_right} of {self.answered}" if self.answered else "-",
        ]


def figures(p: Floats, label: NDArray[np.int64]) -> Figures:
    """Return the figures of answers `p` (n, 8)."""
    right, sure = p.argmax(1) == label, p.max(1) >= ANSWER_FROM
    loss = -np.log(np.maximum(p[np.arange(len(label)), label], 1e-9)).mean()
    return Figures(int(right.sum()), len(label), float(loss), int(sure.sum()), int((right & sure).sum()))


def temperature_of(head: Head, features: Floats, label: NDArray[np.int64]) -> float:
    """Return the temperature with the least cross entropy."""
    return float(min(TEMPERATURES, key=lambda t: figures(at(head, t).probabilities(features), label).loss))


def at(head: Head, temperature: float) -> Head:
    """Return the head whose logits are divided by `temperature`."""
    return Head(head.weight / temperature, head.bias / temperature)


def run(own: Path, start: Path, out: Path, command: str, said: Callable[[str], None]) -> None:
    """Fit the temperature, print the card, and write the folder of models. Raises `DriverMonitorError`."""
    check_free(out)
    net = ExpressionFile(start)
    faces = faces_of(own, said)
    features = net.features(faces.images)
    one = np.repeat("labelled", len(faces.label))
    parts = parts_of(faces.person, faces.person, np.arange(len(faces.label)), one, "labelled")
    p = np.zeros((len(faces.label), len(EXPRESSIONS)))
    for number in range(parts.count):
        rows = parts.part == number
        temperature = temperature_of(net.head, features[~rows], faces.label[~rows])
        p[rows] = at(net.head, temperature).probabilities(features[rows])
    before, after = figures(net.head.probabilities(features), faces.label), figures(p, faces.label)
    temperature = temperature_of(net.head, features, faces.label)
    text = card(start, command, faces, before, after, temperature, parts.count)
    print(text, flush=True)
    if after.loss >= before.loss:
        raise DriverMonitorError(
            f"on persons it has not learned from it is not better (cross entropy {after.loss:.3f}, before: "
            f"{before.loss:.3f}); nothing is written: keep the net you have"
        )
    write_folder(start, out, lambda path: net.write(at(net.head, temperature), path), text)


def card(
    start: Path, command: str, faces: Faces, before: Figures, after: Figures, temperature: float, parts: int
) -> str:
    """Return the card in markdown."""
    day = datetime.now(timezone.utc).date().isoformat()
    digest = hashlib.sha256(start.read_bytes()).hexdigest()
    counted = ", ".join(f"{name} {int((faces.label == index).sum())}" for index, name in enumerate(EXPRESSIONS))
    answered = f"answered (p of {ANSWER_FROM} and more)"
    titles = ("most probable expression is right", "cross entropy", answered, "of these right")
    rows = zip(titles, before.cells(), after.cells(), strict=True)
    return "\n".join(
        [
            "# emotion.onnx: calibrated on your own pictures",
            "",
            f"Made {day} by `{command}`",
            f"from {start.name}, SHA-256 `{digest}`.",
            f"The logits are divided by {temperature:.2f}. The most probable expression of a face stays the same.",
            "How sure the net is of it changes. Nothing else has learned, and nothing is random.",
            "",
            f"Your pictures: {len(faces.label)} of {len(np.unique(faces.person))} persons: {counted}.",
            f"Left out by person, in {parts} parts:",
            "",
            "| | start net | this net |",
            "| --- | --- | --- |",
            *(f"| {' | '.join(row)} |" for row in rows),
        ]
    )

"""Options of the tools of this folder, and figures with their aims, which each of them prints at its end."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: its value in each round. `aim`: the most that is wanted; None: only shown.

    `least`: the aim is the least that is wanted.
    """

    name: str
    values: tuple[float, ...]
    aim: float | None = None
    least: bool = False

    @property
    def value(self) -> float:
        """The median of the rounds."""
        return median(self.values)

    @property
    def met(self) -> bool | None:
        """Whether the median meets the aim; None without an aim."""
        if self.aim is None:
            return None
        return self.value >= self.aim if self.least else self.value <= self.aim


def count(text: str) -> int:
    """Return the number of an option that counts. Raises `ArgumentTypeError` below 1, or if it is no whole number."""
    with suppress(ValueError):
        if (number := int(text)) >= 1:
            return number
    raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, found {text!r}")


def length(text: str) -> float:
    """Return the number of an option that is a time. Raises `ArgumentTypeError` if it is not finite and above 0."""
    with suppress(ValueError):
        if 0.0 < (number := float(text)) < math.inf:
            return number
    raise argparse.ArgumentTypeError(f"expected a number above 0, found {text!r}")


def add_options(parser: argparse.ArgumentParser, rounds: int = 5) -> None:
    """Add `--rounds` and `--json`."""
    parser.add_argument("--rounds", type=count, default=rounds, help=f"the median of these counts (default: {rounds})")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def table(figures: Sequence[Figure]) -> str:
    """Return a line for each figure: median, lowest, highest, aim, and whether it is met."""
    width = max(len(figure.name) for figure in figures)
    head = f"{'':{width}}  {'median':>9} {'lowest':>9} {'highest':>9}  aim"
    return "\n".join([head, *(_line(figure, width) for figure in figures)])


def _line(figure: Figure, width: int) -> str:
    numbers = " ".join(f"{number:9.3f}" for number in (figure.value, min(figure.values), max(figure.values)))
    if figure.aim is None:
        return f"{figure.name:{width}}  {numbers}"
    sort = "at least" if figure.least else "at most"
    return f"{figure.name:{width}}  {numbers}  {sort} {figure.aim:.4g}: {'met' if figure.met else 'MISSED'}"


def show(title: str, figures: Sequence[Figure], as_json: bool) -> int:
    """Print `title` and the table, or one JSON object. Return the exit code: 1 if an aim is missed."""
    if as_json:
        rows = [{**asdict(figure), "value": figure.value, "met": figure.met} for figure in figures]
        print(json.dumps({"title": title, "figures": rows}, indent=1))
    else:
        print(f"{title}\n{table(figures)}")
    return int(any(figure.met is False for figure in figures))

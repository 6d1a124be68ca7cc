"""The diagrams of docs/architecture.md show what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from driver_monitor.rules.engine import Engine
from driver_monitor.rules.profile import Profile
from driver_monitor.timing.cadence import Cadence
from driver_monitor.timing.stretch import Stretch
from tests.test_layers import LAYERS
from tests.test_readme import ROOT, blocks
from tests.timeline import attentive, film, shut, states, unreadable

PAGE = ROOT / "docs/architecture.md"


def row(block: str, name: str) -> list[str]:
    (found,) = [line.split()[1:] for line in block.splitlines() if line.startswith(f"{name} ")]
    return found


def shown(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2f}"


@pytest.mark.parametrize("block", blocks(PAGE, "stretch"), ids=lambda block: block.splitlines()[0])
def test_ok__a_stretch_is_as_long_as_its_diagram_says(block: str) -> None:
    cadence, stretch = Cadence(), Stretch(forgive_s=0.3, bridge_s=0.5)
    values, ended = [], []
    for number, condition in enumerate(row(block, "condition")):
        step = cadence.step(number / 10)
        assert step is not None
        stretch.update(step, {"T": True, "F": False, "-": None}[condition])
        values.append(shown(stretch.value_s))
        ended.append(shown(stretch.ended_s))
    assert values == row(block, "value_s")
    assert ended == row(block, "ended_s")


def test_ok__a_rule_raises_escalates_and_clears_as_its_diagram_says() -> None:
    (rule,) = (loaded for block in blocks(PAGE, "yaml") if "when" in (loaded := yaml.safe_load(block)))
    (diagram,) = blocks(PAGE, "rule")
    profile: dict[str, Any] = {"name": "example", "description": "the rule of the diagram", "rules": [rule]}
    engine = Engine(Profile.model_validate(profile))
    kinds = {"o": attentive(0.5), "c": shut(0.5), "-": unreadable(0.5)}
    drive = [attentive(10.0), *(kinds[letter] for letter in row(diagram, "driver"))]
    levels = [engine.update(state).level for state in states(film(drive, fps=20.0))]
    letters = {None: "-", "info": "i", "warning": "w", "critical": "C"}
    assert [letters[level] for level in levels[200::10]] == row(diagram, "level")


def test_ok__the_page_shows_the_layers_that_are_tested() -> None:
    (table,) = re.findall(r"(?s)\| layer \|.*?\n\n", PAGE.read_text())
    rows = [line.split(" | ") for line in table.splitlines()[2:] if line]
    assert [set(cells[1].replace("`", "").split(", ")) for cells in reversed(rows)] == list(LAYERS)


def test_ok__every_module_that_the_page_names_exists() -> None:
    package = ROOT / "driver_monitor"
    named = {word for word in PAGE.read_text().replace("`", " ").split() if word.endswith(".py") and "<" not in word}
    for name in named:
        places = [package / name, ROOT / name, *package.glob(f"*/{name}"), *package.glob(f"*/*/{name}")]
        assert any(map(Path.is_file, places)), name

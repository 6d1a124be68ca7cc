"""docs/clauses.md has every number of the shipped profiles and of `driver_monitor/state/`, with its source.

Rows for new numbers go into the table of their topic. A failing test names what is missing.
"""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from driver_monitor.config import yaml_file
from driver_monitor.config.profiles import FOLDER
from driver_monitor.rules.profile import Condition, Profile, Rule

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "clauses.md"
STATE = ROOT / "driver_monitor" / "state"
HEAD = "| value | where | what | source | edition | known |"
"""Head of each table of numbers."""
TOLD, OURS = "told by others", "ours"
KNOWN = {"read in the primary text", TOLD, OURS}
"""How well a number is known."""
REPORTED = "as reported"
"""What the clause of an alert says if, and only if, one of its numbers is told by others."""
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
MANY = 12
"""A constant with more numbers than this is a table of fitted weights. The page has their count."""

Value = tuple[float, ...] | str


@dataclass(frozen=True)
class Row:
    """One row of the page: a number, the places that use it, and where it comes from."""

    value: str
    places: tuple[str, ...]
    source: str
    edition: str
    known: str

    def values(self) -> Value:
        return tuple(float(text) for text in NUMBER.findall(self.value)) or self.value


def rows(page: str) -> list[Row]:
    """The rows of all tables of numbers."""
    found, inside = [], False
    for line in page.splitlines():
        inside = line == HEAD or (inside and line.startswith("|"))
        if inside and line != HEAD and not line.startswith("| ---"):
            value, places, _, source, edition, certain = (cell.strip() for cell in line.strip("|").split("|"))
            found.append(Row(value, tuple(re.findall(r"`([^`]+)`", places)), source, edition, certain))
    return found


def clauses(page: str) -> dict[str, str]:
    """The clause of each rule, by "profile rule"."""
    found: dict[str, str] = {}
    for places, clause in re.findall(r"(?m)^\| ((?:`\w+ \w+`(?:, )?)+) \| (.*) \|$", page):
        found.update(dict.fromkeys(re.findall(r"`([^`]+)`", places), clause))
    return found


# The numbers of the profiles


def compared(place: str, condition: Condition) -> Iterator[tuple[str, Value]]:
    for leaf in condition.leaves():
        limit = leaf.threshold
        yield f"{place} {leaf.signal} {leaf.comparison}", limit if isinstance(limit, str) else (float(limit or 0.0),)


def of_rule(place: str, rule: Rule) -> Iterator[tuple[str, Value]]:
    """Yield place and value of each number and word that a rule compares with, and of each of its times."""
    times: dict[str, float | None] = {
        "for_s": rule.for_s,
        "from_kmh": rule.from_kmh,
        "clear_for_s": rule.clear_for_s,
        "cooldown_s": rule.cooldown_s,
        "patience by_s": rule.patience.by_s if rule.patience else None,
        "lock after_s": rule.lock.after_s if rule.lock else None,
        "lock clear_for_s": rule.lock.clear_for_s if rule.lock else None,
        **{f"{step.level} after_s": step.after_s for step in rule.escalate},
    }
    yield from ((f"{place} {name}", (value,)) for name, value in times.items() if value)
    yield from compared(place, rule.when)
    yield from compared(f"{place} clear", rule.clear)
    if rule.patience:
        yield from compared(f"{place} patience", rule.patience.when)
    for step in rule.escalate:
        if step.when:
            yield from compared(f"{place} {step.level}", step.when)


def profiles(folder: Path) -> dict[str, Profile]:
    """Each shipped profile by name, without the rules of the one that it extends."""
    return {path.stem: yaml_file.load(path, Profile) for path in sorted(folder.glob("*.yaml"))}


def of_profiles(folder: Path) -> set[tuple[str, Value]]:
    found: set[tuple[str, Value]] = set()
    for name, profile in profiles(folder).items():
        if profile.standstill:
            found.add((f"{name} standstill below_kmh", (profile.standstill.below_kmh,)))
        for rule in profile.rules:
            found.update(of_rule(f"{name} {rule.id}", rule))
    return found


# The named constants of the state


def literals(node: ast.AST, sign: float = 1.0) -> Iterator[float]:
    """Yield the numbers written in an expression, from left to right."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield from literals(node.operand, -sign)
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, int | float) and not isinstance(node.value, bool):
            yield sign * node.value
    else:
        for child in ast.iter_child_nodes(node):
            yield from literals(child, sign)


def computed(node: ast.AST) -> bool:
    """Whether an expression uses other names than that of a function it calls: its numbers are theirs."""
    called = {id(call.func) for call in ast.walk(node) if isinstance(call, ast.Call)}
    return any(isinstance(name, ast.Name) and id(name) not in called for name in ast.walk(node))


def assigned(module: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Yield name and value of each assignment at the top of a module."""
    for node in module.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            yield node.target.id, node.value
        for target in node.targets if isinstance(node, ast.Assign) else ():
            assert isinstance(node, ast.Assign)
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                yield from ((ast.unparse(one), value) for one, value in zip(target.elts, node.value.elts, strict=True))
            else:
                yield ast.unparse(target), node.value


def of_state(folder: Path) -> set[tuple[str, Value]]:
    """Place and value of each constant with numbers: one for each key of a dict."""
    found: set[tuple[str, Value]] = set()
    for path in sorted(folder.rglob("*.py")):
        place = f"state/{path.relative_to(folder)}"
        for name, value in assigned(ast.parse(path.read_text())):
            parts = {f"{place} {name}": value}
            if isinstance(value, ast.Dict):
                keys = (ast.literal_eval(key) for key in value.keys if key)
                parts = {f"{place} {name}[{key}]": part for key, part in zip(keys, value.values, strict=True)}
            for where, part in parts.items():
                numbers = () if computed(part) else tuple(literals(part))
                if numbers:
                    found.add((where, numbers if len(numbers) <= MANY else (float(len(numbers)),)))
    return found


# The page against both


def faults(page: str, state: Path = STATE, shipped: Path = FOLDER) -> list[str]:
    """What is wrong with the page, in words; empty if nothing."""
    table, told = rows(page), clauses(page)
    written = {(place, row.values()) for row in table for place in row.places}
    used = of_profiles(shipped) | of_state(state)
    found = [f"no row: {place} = {value}" for place, value in sorted(used - written, key=str)]
    found += [f"row of nothing: {place} = {value}" for place, value in sorted(written - used, key=str)]
    for row in table:
        if row.known not in KNOWN or not row.source or (row.known != OURS and not row.edition):
            found.append(f"no source, edition or how it is known: {row.value}: {row.places}")
    reported = {tuple(place.split()[:2]) for row in table if row.known == TOLD for place in row.places}
    for name, profile in profiles(shipped).items():
        for rule in profile.rules:
            place = f"{name} {rule.id}"
            if told.get(place) != rule.clause:
                found.append(f"not the clause of {place}: {told.get(place)}")
            if (REPORTED in rule.clause) != ((name, rule.id) in reported):
                found.append(f"{REPORTED!r} is in the clause of {place}, or is told by others, but not both")
    return found


def test_ok__every_number_stands_on_the_page_with_its_source_and_every_clause_as_it_is_shown() -> None:
    assert faults(PAGE.read_text()) == []


def without(pattern: str) -> Callable[[str], str]:
    """Remove the only line that matches."""

    def edit(page: str) -> str:
        found = [line for line in page.splitlines(keepends=True) if re.search(pattern, line)]
        assert len(found) == 1, found
        return page.replace(found[0], "")

    return edit


def instead(old: str, new: str) -> Callable[[str], str]:
    def edit(page: str) -> str:
        assert old in page
        return page.replace(old, new)

    return edit


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (without(r"`default drowsiness warning perclos.value at_least`"), "no row: default drowsiness warning"),
        (without(r"`state/eyes/closure.py BLINK_MAX_S`"), "no row: state/eyes/closure.py BLINK_MAX_S = (0.4,)"),
        (without(r"^\| `quiet microsleep` \|"), "not the clause of quiet microsleep"),
        (instead("| Driver Engagement 1.3.4 |", "| |"), "no source"),
        (instead("| v1.2 | told by others |", "| v1.2 | hearsay |"), "no source, edition or how it is known"),
        (instead("| v1.2 | told by others |", "| | told by others |"), "no source, edition or how it is known"),
        (instead("told by others", "read in the primary text"), "'as reported' is in the clause of"),
        (instead("`state/eyes/closure.py BLINK_MAX_S`", "`state/eyes/closure.py BLINK_S`"), "row of nothing"),
    ],
)
def test_fail__a_number_or_a_source_that_is_missing_on_the_page(edit: Callable[[str], str], fault: str) -> None:
    assert any(one.startswith(fault) for one in faults(edit(PAGE.read_text())))


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("NEW_S = 4.5", (4.5,)),
        ("OTHER, NEW_S = 1, -2e-3", (-0.002,)),
        ("NEW_S: float = max(0.25, 3)", (0.25, 3.0)),
        ("NEW_S = ((1.0, 2), (3, 4))", (1.0, 2.0, 3.0, 4.0)),
        ("BLINK_MAX_S = 0.5", (0.5,)),
    ],
)
def test_fail__a_constant_of_the_state_that_the_page_does_not_have(tmp_path: Path, line: str, value: Value) -> None:
    shutil.copytree(STATE, tmp_path / "state")
    with (tmp_path / "state/eyes/closure.py").open("a") as file:
        file.write(f"\n{line}\n")
    name = "BLINK_MAX_S" if line.startswith("BLINK") else "NEW_S"
    assert f"no row: state/eyes/closure.py {name} = {value}" in faults(PAGE.read_text(), tmp_path / "state")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("at_least: 0.12", "at_least: 0.15", "no row: default drowsiness warning perclos.value at_least = (0.15,)"),
        ("after_s: 10", "after_s: 12", "no row: default no_face warning after_s = (12.0,)"),
        ("below_kmh: 5", "below_kmh: 6", "no row: default standstill below_kmh = (6.0,)"),
        ("cooldown_s: 5\n", "cooldown_s: 9\n", "no row: default camera_fault cooldown_s = (9.0,)"),
        (", as reported); 6 s is ours", "); 6 s is ours", "not the clause of default eyes_unreadable"),
    ],
)
def test_fail__a_number_or_a_clause_of_a_profile_that_has_changed(
    tmp_path: Path, old: str, new: str, fault: str
) -> None:
    shutil.copytree(FOLDER, tmp_path / "profiles")
    path = tmp_path / "profiles/default.yaml"
    assert path.read_text().count(old) == 1
    path.write_text(path.read_text().replace(old, new))
    assert any(one.startswith(fault) for one in faults(PAGE.read_text(), shipped=tmp_path / "profiles"))

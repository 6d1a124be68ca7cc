"""docs/doctor.md names every check, fault and remedy, and every field of the JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path
from string import Formatter

import pytest

from driver_monitor.cli import cameras as verb
from driver_monitor.doctor import faults_table, report
from driver_monitor.doctor.verdicts.faults import CHECKS, FAULTS
from driver_monitor.doctor.verdicts.finding import ok, trouble
from tests.capture.fake_v4l2 import WEBCAM
from tests.capture.test_list_cameras import listed

PAGE = Path(__file__).parents[2] / "docs" / "doctor.md"


def test_ok__both_tables_of_the_page_are_those_of_the_program() -> None:
    text = PAGE.read_text()
    assert faults_table.table() in text, "python -m driver_monitor.doctor.faults_table writes it"
    assert faults_table.checks() in text


def test_ok__every_field_of_the_json_has_a_line() -> None:
    shown = json.loads(json.dumps(report.to_json([ok("clock", "good")])))
    names = set(shown) | {f"checks.{name}" for name in shown["checks"][0]}
    (section,) = re.findall(r"(?ms)^## JSON$(.*?)(?=^## )", PAGE.read_text())
    assert set(re.findall(r"(?m)^\| `([\w.]+)` \|", section)) == names


def test_ok__every_field_of_the_list_of_cameras_is_named(tmp_path: Path) -> None:
    shown = verb.to_json(listed(tmp_path, video0=WEBCAM))
    (section,) = re.findall(r"(?ms)^## Cameras$(.*)", PAGE.read_text())
    named = set(re.findall(r"`(\w+)`", section))
    assert set(shown) | set(shown["cameras"][0]) <= named


def test_ok__the_example_of_the_list_of_cameras_is_what_the_program_prints(tmp_path: Path) -> None:
    assert "\n".join(verb.lines(listed(tmp_path, video0=WEBCAM))) in PAGE.read_text()


@pytest.mark.parametrize("name", FAULTS)
def test_ok__every_fault_belongs_to_a_check_and_says_what_to_do_in_narrow_lines(name: str) -> None:
    fault = FAULTS[name]
    assert name.partition(".")[0] in CHECKS
    assert fault.remedy
    fields = {field for text in fault[1:] for _, field, _, _ in Formatter().parse(text) if field}
    finding = trouble(name, **dict.fromkeys(fields, 7))
    assert max(map(len, report.lines(finding))) <= report.WIDTH


def test_ok__a_line_with_control_characters_stays_one_line_without_them() -> None:
    (finding,) = [ok("camera", "a name\x1b[31m\nof a device")]
    assert all(line.isprintable() for line in report.lines(finding))
    assert "\n" not in report.to_json([finding])["checks"][0]["found"]

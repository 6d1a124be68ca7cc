"""The list of keys in docs/label.md is that of the page."""

from __future__ import annotations

import re

from driver_monitor.bench.label import web_app
from driver_monitor.bench.score.labels import TYPES
from tests.test_readme import ROOT

SCRIPT = (web_app.FOLDER / "keys.js").read_text()


def test_ok__the_documents_list_all_keys_of_the_page() -> None:
    (part,) = re.findall(r"(?s)export const KEYS = \[\n(.*?)\n\];", SCRIPT)
    keys = re.findall(r'^  \["([^"]+)", "([^"]+)",', part, re.MULTILINE)
    assert len(keys) == len(part.splitlines())
    (section,) = re.findall(r"(?s)## Keys\n(.*?)\n## ", (ROOT / "docs/label.md").read_text())
    assert re.findall(r"(?m)^\| (.+?) \| (.+?) \|$", section)[2:] == keys


def test_ok__all_types_of_the_page_are_scored_types_and_the_documents_name_their_keys() -> None:
    types = dict(re.findall(r'^  \["(\d)", "(\w+)"\],$', SCRIPT, re.MULTILINE))
    (others,) = re.findall(r"(?s)export const OTHERS = \[(.*?)\];", SCRIPT)
    assert len(types) == 10
    assert {*types.values(), *re.findall(r'"(\w+)"', others)} == TYPES - {"expression", "light"}
    text = " ".join((ROOT / "docs/label.md").read_text().split())
    for key, name in types.items():
        assert f"{key} `{name}`" in text

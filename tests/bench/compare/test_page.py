"""The page of a comparison, in a real browser: it asks nobody for anything, and says all without its drawing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from driver_monitor.bench.compare import page
from driver_monitor.errors import UsageError
from tests.conftest import Cli


@pytest.fixture
def batches(results: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Three clips on each side, one of them with a name that HTML must not take for its own."""
    for side, of in (("a", "default"), ("b", "other")):
        for name in ("one", "two", "<i>three"):
            folder = tmp_path / side / name
            shutil.copytree(results / of / "nap", folder)
            run = json.loads((folder / "run.json").read_text())
            (folder / "run.json").write_text(json.dumps({**run, "sha256": name}))
    return tmp_path / "a", tmp_path / "b"


def test_ok__a_browser_draws_the_clips_and_asks_nobody(command: Cli, browser: Any, batches: tuple[Path, Path]) -> None:
    pytest.importorskip("plotly", reason="plotly is not installed (extra report)")
    assert command("compare", *batches, "--html", "compared.html").code == 0
    tab = browser.new_page()
    asked: list[str] = []
    faults: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.goto(Path("compared.html").resolve().as_uri())
    tab.wait_for_selector("#drawing .barlayer .point", timeout=60_000)
    assert len(tab.query_selector_all("#drawing .ytick")) == 3
    text = tab.inner_text("body")
    assert "<i>three" in text
    assert text.count("only in A") >= 6, "two alerts of each clip"
    assert faults == []
    assert all(url.startswith(("file:", "data:", "blob:")) for url in asked)


def test_ok__without_plotly_the_tables_say_the_same(
    command: Cli, batches: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> str:
        raise UsageError("the extra `report` is not installed")

    monkeypatch.setattr(page, "plotly_element", missing)
    assert command("compare", *batches, "--html", "compared.html").code == 0
    text = Path("compared.html").read_text()
    assert "drawing" not in text.partition("</style>")[2]
    assert text.count("only in A") >= 6
    assert "&lt;i&gt;three" in text


def test_ok__few_clips_need_no_drawing_and_equal_runs_no_table(command: Cli, results: Path) -> None:
    assert command("compare", results / "default", results / "quiet", "--html", "two.html").code == 0
    assert len(Path("two.html").read_bytes()) < 20_000
    assert command("compare", results / "quiet", results / "quiet", "--html", "same.html").code == 0
    same = Path("same.html").read_text()
    assert "nothing differs" in same
    assert "<table" not in same
    assert [path.name for path in Path().glob(".*.part")] == []


def test_fail__a_file_that_is_no_page_of_this_program_stays(command: Cli, results: Path) -> None:
    Path("notes.txt").write_text("<!DOCTYPE html>\nmy notes")
    Path("empty.html").touch()
    arguments = ("compare", results / "quiet", results / "quiet", "--html")
    outcome = command(*arguments, "notes.txt")
    assert (outcome.code, len(outcome.lines)) == (1, 1)
    assert "notes.txt: is not a page of this program" in outcome.err
    assert Path("notes.txt").read_text() == "<!DOCTYPE html>\nmy notes"
    assert [command(*arguments, "empty.html").code for _ in range(2)] == [0, 0], "the second replaces a page"

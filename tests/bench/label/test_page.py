"""The page in a real browser: a scripted person labels 20 s with the keys, and nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from driver_monitor.app.build import Request, load_plan
from driver_monitor.bench.label.desk import DeskSetting, LabelDesk
from driver_monitor.bench.label.label_file import LabelFile
from driver_monitor.bench.label.run import Retry
from driver_monitor.bench.label.session import LabelSession
from driver_monitor.bench.label.signals import ClipSignals, of_run
from driver_monitor.bench.replays.job import ReplayJob
from driver_monitor.bench.replays.replay import replay
from driver_monitor.bench.runs.read_run import read_run
from driver_monitor.bench.score.labels import load_labels
from driver_monitor.capture.recordings.indexed_clip import IndexedClip
from tests.bench.label.stage import COUNT, labelling, make_piece, served, true_events
from tests.conftest import Cli
from tests.processes import PATIENCE_S

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra browser)")
pytest.importorskip("uvicorn", reason="uvicorn is not installed (extra label)")
PLAN = load_plan(Request(None))


@pytest.fixture(scope="module")
def piece(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a clip of 20 s and its run."""
    folder = tmp_path_factory.mktemp("piece")
    (folder / "clips").mkdir()
    clip = make_piece(folder / "clips" / "piece.mp4")
    replay(ReplayJob(clip, folder / "runs" / "piece"), PLAN)
    return folder


@dataclass(frozen=True)
class Workplace:
    """The piece, opened once for all tests in this process."""

    clip: Path
    source: IndexedClip
    signals: ClipSignals

    def desk(self, labels: Path, *more: Path) -> LabelDesk:
        desk = LabelDesk(DeskSetting([self.clip, *more], labels, PLAN), lambda *_: None)
        file = LabelFile(labels / "piece.json")
        desk._sessions[0] = LabelSession("piece.mp4", self.source, self.signals, file, PLAN.profile, "p1")
        return desk


@pytest.fixture(scope="module")
def workplace(piece: Path) -> Iterator[Workplace]:
    clip = piece / "clips" / "piece.mp4"
    with closing(IndexedClip(clip)) as source:
        yield Workplace(clip, source, of_run(read_run(piece / "runs" / "piece")))


class LabelPage:
    """An open page. `faults`: what its console says, and requests to other servers."""

    def __init__(self, browser: Any, address: str, **context: Any) -> None:
        self.faults: list[str] = []
        host = address.split("/")[2]
        self.tab = browser.new_context(viewport={"width": 1400, "height": 950}, **context).new_page()
        self.tab.set_default_timeout(PATIENCE_S * 1000)
        self.tab.on("console", lambda message: self.faults.append(message.text))
        self.tab.on("pageerror", lambda error: self.faults.append(str(error)))
        self.tab.on("request", lambda one: self.faults.extend([] if host in one.url else [one.url]))
        self.tab.goto(address)
        self.until("#where", "Frame 0 of")

    def reload(self) -> None:
        self.tab.reload()
        self.until("#where", "Frame 0 of")

    def until(self, selector: str, words: str) -> None:
        """Wait until the text of an element contains these words."""
        playwright.expect(self.tab.locator(selector)).to_contain_text(words, timeout=PATIENCE_S * 1000)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.tab.keyboard.press(key)

    def go(self, frame: int) -> None:
        """Go to a frame with the keys."""
        now = int(self.tab.inner_text("#where").split()[1])
        step = "ArrowRight" if frame > now else "ArrowLeft"
        far, near = divmod(abs(frame - now), 10)
        self.press(*[f"Shift+{step}"] * far, *[step] * near)
        self.until("#where", f"Frame {frame} of")

    def draw(self, type_key: str, first: int, last: int) -> None:
        """Label frames with the keys."""
        self.press(type_key)
        self.go(first)
        self.press("[")
        self.go(last)
        self.press("]")
        self.until("#list", f"{first}–{last}")

    def name(self, person: str) -> None:
        self.until("#facts-title", "Driver and clip")
        self.tab.fill("#person", person)
        self.press("Enter")
        self.until("#saved", "All is saved")

    def figures(self) -> dict[str, str]:
        cells = self.tab.locator("[data-score]").all()
        return {cell.get_attribute("data-score"): cell.inner_text() for cell in cells}

    def close(self) -> None:
        assert self.faults == []
        self.tab.context.close()


def options(piece: Path, labels: Path) -> list[object]:
    return [piece / "clips" / "piece.mp4", "--labels", labels, "--run", piece / "runs" / "piece"]


def mine(path: Path) -> list[dict[str, Any]]:
    return [one for one in json.loads(path.read_text())["events"] if "unreviewed" not in one]


def test_ok__20_s_are_labelled_with_the_keys_killed_in_the_middle_and_scored(
    browser: Any, piece: Path, tmp_path: Path, command: Cli
) -> None:
    file = tmp_path / "labels" / "piece.json"
    # The first label is wrong, so that not every figure is 1.
    truth = [{"type": "eyes_closed", "start": 20, "end": 22}, *true_events("eyes_closed", "yawn", "eyes_lowered")]
    keys = {"eyes_closed": "1", "eyes_lowered": "2", "yawn": "4"}
    with labelling(*options(piece, file.parent)) as process:
        page = LabelPage(browser, process.address)
        page.name("p1")
        for event in truth[:3]:
            page.draw(keys[event["type"]], event["start"], event["end"])
        page.press("r")
        page.until("#saved", "All is saved")
        page.until("#where", "; reviewed")
        before = file.read_bytes()
        process.kill()
        page.until("#saved", "No connection")
        page.tab.context.close()
    assert file.read_bytes() == before, "a kill changes nothing"
    with labelling(*options(piece, file.parent)) as process:
        page = LabelPage(browser, process.address)
        page.until("#progress", "3 labels")
        for event in truth[3:]:
            page.draw(keys[event["type"]], event["start"], event["end"])
        page.press("End", "r")
        page.until("#progress", "20.0 s of 20.0 s reviewed")
        page.reload()
        page.until("#progress", f"{len(truth)} labels")
        page.press("End", "z")
        page.until("#where", "not reviewed")
        page.press("y")
        page.until("#progress", "20.0 s of 20.0 s reviewed")
        figures = page.figures()
        page.close()
    assert [(one["type"], one["start"], one["end"]) for one in mine(file)] == sorted(
        ((one["type"], one["start"], one["end"]) for one in truth), key=lambda one: one[1:]
    )
    outcome = command("score", "clips", piece / "clips", "--labels", file.parent, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    scored = json.loads(outcome.out)
    assert figures["event_recall"] < figures["event_precision"]
    (clip,) = scored["clips"]
    for name in ("event_precision", "event_recall"):
        assert figures[name] == f"{scored['pooled'][name]['value']:.3f}"
    for name in ("frame_precision", "frame_recall"):
        assert figures[name] == f"{clip['eyes'][name]:.3f}"
    assert figures["closures"] == f"{clip['eyes']['found']} of {clip['eyes']['labelled']}"
    for rule in ("microsleep", "sleep"):
        alert = clip["alerts"][rule]
        missed = alert["due"] - alert["in_time"]
        assert figures[f"alerts.{rule}"] == (
            f"{alert['raised']} raised: {alert['false']} false, {alert['not_judged']} not judged; "
            f"{missed} of {alert['due']} missed"
        )


def test_ok__suggestions_are_accepted_and_rejected_with_the_keys(
    browser: Any, workplace: Workplace, tmp_path: Path
) -> None:
    file = tmp_path / "piece.json"
    with served(workplace.desk(tmp_path)) as address:
        page = LabelPage(browser, address)
        page.until("#progress", "0 labels, 7 suggestions")
        assert not file.exists(), "a suggestion is no label"
        page.press("Tab")
        page.until("#hint", "Enter accepts")
        page.press("Enter")
        page.until("#progress", "1 labels, 6 suggestions")
        page.press("Tab")
        page.until("#hint", "Suggestion")
        page.press("x")
        page.until("#progress", "1 labels, 5 suggestions")
        page.reload()
        page.until("#progress", "1 labels, 5 suggestions")
        page.close()
    assert [one["type"] for one in mine(file)] == ["eyes_closed"]
    assert len(json.loads(file.read_text())["rejected"]) == 1
    assert not load_labels(file).seen.any(), "no frame is reviewed unless a person says so"


def test_ok__every_other_key_does_what_the_list_of_keys_says(
    browser: Any, workplace: Workplace, tmp_path: Path
) -> None:
    with served(workplace.desk(tmp_path)) as address:
        page = LabelPage(browser, address, color_scheme="dark")
        page.draw("3", 5, 9)
        page.until("#hint", "direction")
        for keys, text in (
            ("a", "5–9 look_away left"),
            ("s", "5–9 look_away left_down"),
            ("d", "5–9 look_away right"),
            ("c", "5–9 look_away right, unsure"),
            ("ArrowRight Shift+O", "5–10 look_away"),
            ("4 t", "5–10 yawn"),
        ):
            page.press(*keys.split())
            page.until("#list", text)
        page.press("Delete")
        playwright.expect(page.tab.locator("#list")).not_to_contain_text("yawn right")
        page.press("z")
        page.until("#list", "5–10 yawn")
        page.press("Escape", "Home", "PageDown")
        page.until("#where", "Frame 5 of")
        page.press("e", "g", "+", "-", ".", ",", "End")
        page.until("#where", f"Frame {COUNT - 1} of")
        page.press("Home", "Space")
        page.until("#where", "plays at")
        page.press("Space")
        playwright.expect(page.tab.locator("#where")).not_to_contain_text("plays")
        page.press("?")
        page.until("#keys-title", "Keys")
        assert page.tab.locator("#key-rows tr").count() >= 25
        page.press("Escape")
        page.tab.click("#help")
        page.until("#keys", "one frame back, on")
        page.tab.screenshot(path=str(tmp_path / "keys.png"))
        page.close()


def test_ok__the_mouse_labels_too_and_all_has_a_name(browser: Any, workplace: Workplace, tmp_path: Path) -> None:
    file = tmp_path / "piece.json"
    with served(workplace.desk(tmp_path)) as address:
        page = LabelPage(browser, address)
        box = page.tab.locator("#detail").bounding_box()
        page.tab.mouse.move(box["x"] + 200, box["y"] + 80)
        page.tab.mouse.down()
        page.tab.mouse.move(box["x"] + 300, box["y"] + 80)
        page.tab.mouse.up()
        page.until("#progress", "1 labels")
        page.tab.click("[data-action=remove]")
        page.until("#progress", "0 labels")
        for action in ("undo", "begin", "end", "next", "accept", "review"):
            page.tab.click(f"[data-action={action}]")
        page.until("#progress", "3 labels")
        page.tab.locator("#overview").click()
        page.until("#where", "Frame 9")
        nameless = page.tab.eval_on_selector_all(
            "button, input, select, canvas",
            """all => all.filter(one =>
                !(one.getAttribute('aria-label') || one.textContent.trim() || one.labels?.length))
                .map(one => one.outerHTML)""",
        )
        assert nameless == []
        page.close()
    assert [one["type"] for one in mine(file)] == ["eyes_closed"] * 3


def test_ok__two_tabs_show_one_state(browser: Any, workplace: Workplace, tmp_path: Path) -> None:
    with served(workplace.desk(tmp_path)) as address:
        one, other = (LabelPage(browser, address) for _ in range(2))
        one.draw("1", 3, 6)
        other.until("#list", "3–6 eyes_closed")
        other.draw("4", 8, 9)
        one.until("#list", "8–9 yawn")
        one.close()
        other.close()
    assert len(mine(tmp_path / "piece.json")) == 2


def test_fail__labels_that_cannot_be_saved_are_told_and_saved_later(
    browser: Any, workplace: Workplace, tmp_path: Path
) -> None:
    labels = tmp_path / "labels"
    desk = workplace.desk(labels)
    with served(desk) as address:
        page = LabelPage(browser, address)
        labels.write_text("a file in the place of the folder")
        page.press("1", "[", "]")
        page.until("#saved", "NOT SAVED")
        page.until("#fault-text", "piece.json: cannot write")
        with page.tab.expect_download() as download:
            page.tab.click("#download")
        copy = json.loads(Path(download.value.path()).read_text())
        assert copy["events"] == [{"type": "eyes_closed", "start": 0, "end": 0}]
        labels.unlink()
        Retry(desk, 0.0).check()
        page.until("#saved", "All is saved")
        page.close()
    assert len(mine(labels / "piece.json")) == 1


def test_ok__several_clips_are_opened_one_after_the_other(browser: Any, workplace: Workplace, tmp_path: Path) -> None:
    torn = tmp_path / "torn.mp4"
    torn.write_text("no video")
    with served(workplace.desk(tmp_path / "labels", torn)) as address:
        page = LabelPage(browser, address)
        page.tab.select_option("#clips", "1")
        page.until("#saved", "torn.mp4: cannot be opened as a video")
        page.tab.select_option("#clips", "0")
        page.until("#saved", "All is saved")
        page.close()

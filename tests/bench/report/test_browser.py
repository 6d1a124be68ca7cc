"""The page in a real browser: from the disk, without a network, by mouse and by keyboard, on a laptop and a phone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from driver_monitor.bench.explain import explain
from driver_monitor.bench.report.report_all import Reports
from driver_monitor.bench.runs.read_run import find_runs, read_run
from tests.bench.report.night import from_json, lines_of, write_night

pytest.importorskip("plotly", reason="plotly is not installed (extra report)")
HOSTILE = "<img src=x onerror=\"document.title='run'\"></script><script>document.title='run'</script><a href=//x>"
PATIENCE_MS = 60_000
"""Longest wait for a page; only a failure takes so long."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A night, and one with a hostile clip and alerts; both labelled, with an index."""
    folder = tmp_path_factory.mktemp("runs")
    write_night(folder / "night")
    write_night(folder / HOSTILE.replace("/", "|"), clip=HOSTILE, rule=HOSTILE, message=HOSTILE, profile=HOSTILE)
    truth = {"person": "p", "fps": 10, "frames": 460, "clip": "night.mp4", "blinks": "none"}
    events = [{"type": "eyes_closed", "start": 60, "end": 99}, {"type": HOSTILE, "start": 5, "end": 9}]
    (folder / "labels.json").write_text(json.dumps({**truth, "events": events}))
    (folder / "night.json").write_text("{}")
    reports = Reports(find_runs([folder])[0], folder / "labels.json")
    assert len(list(reports.write())) == 2
    reports.write_index(folder)
    return folder


class OpenPage:
    """An open page. `faults`: what its console says, and requests for anything but the page."""

    def __init__(self, browser: Any, path: Path, width: int = 1280, **context: Any) -> None:
        self.faults: list[str] = []
        size = {"width": width, "height": 844}
        self.tab = browser.new_context(viewport=size, offline=True, **context).new_page()
        self.tab.on("console", lambda message: self.faults.append(message.text))
        self.tab.on("pageerror", lambda error: self.faults.append(str(error)))
        self.tab.on("request", lambda one: self.faults.extend([] if one.url == path.as_uri() else [one.url]))
        self.tab.goto(path.as_uri())

    def ready(self) -> OpenPage:
        self.tab.wait_for_selector("html[data-ready=yes]", timeout=PATIENCE_MS)
        return self

    def place(self, seconds: float) -> tuple[float, float]:
        """Where a time lies in the drawing, below its upper part, in pixels of the window."""
        box = self.tab.locator("#drawing").bounding_box()
        left, right = self.tab.evaluate("[plot.layout.margin.l, plot.layout.margin.r]")
        start, end = self.tab.evaluate("report.view")
        x = box["x"] + left + (seconds - start) / (end - start) * (box["width"] - left - right)
        return x, box["y"] + 200

    def read(self) -> dict[str, str]:
        """The values that the page shows for one frame."""
        texts = self.tab.evaluate(
            "[...document.querySelectorAll('#readout div')].map(one => one.innerText.split('\\n'))"
        )
        return {name.strip(): "".join(value).strip() for name, *value in texts}


@pytest.fixture(scope="module")
def opened(browser: Any, runs: Path) -> OpenPage:
    return OpenPage(browser, runs / "night/report.html").ready()


@pytest.fixture
def page(opened: OpenPage) -> OpenPage:
    """The page of the night, which several tests share: opening it takes seconds. It shows the whole run."""
    opened.tab.set_viewport_size({"width": 1280, "height": 844})
    opened.tab.emulate_media(media="screen", color_scheme="light")
    opened.tab.get_by_role("button", name="Whole run").click()
    opened.faults.clear()
    return opened


def episodes_of_run(folder: Path) -> set[str]:
    return {json.loads(line)["episode"] for line in (folder / "events.jsonl").read_text().splitlines()}


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_ok__the_page_draws_itself_at_each_size_and_in_both_schemes(
    page: OpenPage, tmp_path: Path, width: int, scheme: str
) -> None:
    page.tab.set_viewport_size({"width": width, "height": 844})
    page.tab.emulate_media(color_scheme=scheme)
    page.tab.wait_for_function("width => plot.layout.width <= width", arg=width)
    assert page.tab.evaluate("document.documentElement.scrollWidth") <= width
    assert page.tab.locator("#plot .scatterlayer .trace").count() > 10
    words = page.tab.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--text').trim()")
    assert page.tab.evaluate("plot.layout.font.color") == words
    page.tab.screenshot(path=str(tmp_path / "page.png"), full_page=True)
    assert page.faults == []


def titles(page: OpenPage) -> list[str]:
    return list(page.tab.evaluate("report.chart.panels.map((one) => one.title)"))


def test_ok__telephone_hand_and_object_have_curves_and_a_run_of_an_older_version_has_none(
    page: OpenPage, browser: Any, tmp_path: Path
) -> None:
    assert "Held, s" in titles(page)
    assert page.tab.evaluate("report.chart.states.map((one) => one[1])")[-2:] == ["degraded", "mask"]
    folder = write_night(tmp_path / "older")
    lines = [{k: v for k, v in line.items() if k not in ("phone", "hand", "mask", "mouth_object_s")}
             for line in lines_of(folder)]  # fmt: skip
    (folder / "signals.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert len(list(Reports(find_runs([folder])[0], None).write())) == 1
    older = OpenPage(browser, folder / "report.html").ready()
    assert "Held, s" not in titles(older)
    why = older.tab.locator("#unknown tr", has_text="Telephone at the ear").inner_text()
    assert why.endswith("nobody has looked 89.1 %, not_found 6.5 %, no_frame 4.3 %")
    assert older.faults == []


def test_ok__every_value_that_a_reader_can_reach_is_that_of_the_json(page: OpenPage, runs: Path) -> None:
    shown = page.tab.evaluate(
        "() => Object.fromEntries([...report.chart.series].map(([name, one]) =>"
        " [name, Array.from(report.chart.t, (_, i) => report.valueAt(one, i))]))"
    )
    for name in (one for one in shown if not one.startswith("unknown.")):
        assert shown[name] == from_json(runs / "night", name), name
    assert {type(one) for one in shown["mouth.yawning"]} == {bool, type(None)}


def test_ok__zoomed_in_every_frame_is_drawn_and_from_afar_the_lowest_and_the_highest(
    page: OpenPage, runs: Path
) -> None:
    truth = dict(zip(from_json(runs / "night", "t"), from_json(runs / "night", "eyes.openness"), strict=True))

    def drawn() -> dict[float, float | None]:
        line = page.tab.evaluate("(({x, y}) => [x, y])(plot.data.find(one => one.name === 'eyes.openness'))")
        return dict(zip(*line, strict=True))

    page.tab.evaluate("report.show(5, 12)")
    near = drawn()
    assert near.items() <= truth.items()
    assert {t for t in truth if 5 <= t <= 12} <= near.keys()
    far = page.tab.evaluate(
        "() => { const t = report.chart.t, values = report.chart.series.get('eyes.openness').values;"
        " return levels(t, values, groupsOf(0, t.length, 8)); }"
    )
    assert len(far["x"]) == 8
    for level in ("low", "middle", "high"):
        assert set(far[level]) <= set(truth.values()), "each drawn value is one of the run"
    values = list(truth.values())
    for k in range(8):
        known = [one for one in values[58 * k : 58 * (k + 1)] if one is not None]
        lowest, highest = (min(known), max(known)) if known else (None, None)
        assert (far["low"][k], far["high"][k]) == (lowest, highest)


def test_ok__pointing_says_what_is_unknown_and_why(page: OpenPage, runs: Path) -> None:
    frame = next(i for i, line in enumerate(lines_of(runs / "night")) if line["eyes"]["reason"] == "sunglasses")
    t = page.tab.evaluate("frame => report.chart.t[frame]", frame)
    page.tab.mouse.move(*page.place(t + 0.05))
    assert page.read()["openness"] == "unknown: sunglasses"
    assert page.read()["frame"] == str(frame)
    page.tab.locator("#drawing").focus()
    page.tab.keyboard.press("ArrowLeft")
    assert page.read()["frame"] == str(frame - 1)
    assert page.read()["eyes"] == "open"
    page.tab.keyboard.press("Shift+ArrowRight")
    assert page.read()["frame"] == str(frame + 9)


def test_ok__a_click_on_a_band_or_on_a_row_shows_the_words_of_explain(page: OpenPage, runs: Path) -> None:
    run = read_run(runs / "night")
    whole = explain(run.folder / "events.jsonl")
    button = page.tab.get_by_role("button", name="microsleep", exact=True)
    assert button.get_attribute("aria-expanded") == "false"
    assert not page.tab.locator("tr.why pre").first.is_visible()
    button.focus()
    page.tab.keyboard.press("Enter")
    assert button.get_attribute("aria-expanded") == "true"
    assert page.tab.locator("tr.why pre").first.text_content() in whole
    page.tab.get_by_role("button", name="Whole run").click()
    sleep = next(one for one in page.tab.evaluate("report.chart.facts.episodes") if one["rule"] == "sleep")
    page.tab.mouse.click(*page.place((sleep["start"] + sleep["end"]) / 2))
    told = page.tab.locator("#why pre").text_content()
    assert told.startswith("sleep (critical): raised at 0:00:09.0")
    assert told in whole
    page.tab.keyboard.press("Escape")
    page.tab.locator("#drawing").focus()
    page.tab.keyboard.press("Escape")
    assert not page.tab.locator("#why").is_visible()
    assert page.faults == []


def test_ok__without_javascript_and_on_paper_the_summary_and_all_explanations_are_there(
    browser: Any, page: OpenPage, runs: Path, tmp_path: Path
) -> None:
    plain = OpenPage(browser, runs / "night/report.html", java_script_enabled=False)
    texts = plain.tab.locator("tr.why pre").all_text_contents()
    assert len(texts) == len(episodes_of_run(runs / "night"))
    assert not plain.tab.locator(".buttons").is_visible()
    assert all(one.is_visible() for one in plain.tab.locator("tr.why pre").all())
    assert "The drawing needs JavaScript" in plain.tab.inner_text("body")
    page.tab.emulate_media(media="print", color_scheme="dark")
    assert all(one.is_visible() for one in page.tab.locator("tr.why pre").all())
    assert page.tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert len(page.tab.pdf(path=str(tmp_path / "page.pdf"), format="A4")) > 10_000


def test_ok__what_a_run_says_stays_text(browser: Any, runs: Path) -> None:
    name = HOSTILE.replace("/", "|")
    page = OpenPage(browser, runs / name / "report.html").ready()
    page.tab.get_by_role("button", name="onerror").first.click()
    assert page.tab.title() == f"{name}: report"
    assert page.tab.locator("img, a, h1 *, pre *").count() == 0
    assert page.tab.locator("#plot a").count() == 0
    assert HOSTILE in page.tab.locator("tr.why pre").first.text_content()
    assert page.tab.locator("#plot .yaxislayer-above text, #plot .ytick text").filter(has_text="onerror").count() > 0
    index = OpenPage(browser, runs / "index.html")
    assert index.tab.locator("tbody a").all_text_contents().count(name) == 1
    assert index.tab.locator("img, td script").count() == 0
    assert index.tab.title().startswith("2 runs")
    assert page.faults == index.faults == []


def test_ok__the_index_sorts_by_each_heading_and_leads_to_the_reports(browser: Any, runs: Path) -> None:
    index = OpenPage(browser, runs / "index.html", 390)
    assert index.tab.evaluate("document.documentElement.scrollWidth") <= 390
    heading = index.tab.get_by_role("columnheader", name="Missed")

    def names() -> list[str]:
        return list(index.tab.locator("tbody a").all_text_contents())

    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    assert names()[0] == "night", "the run without labels comes last"
    heading.get_by_role("button").click()
    assert (heading.get_attribute("aria-sort"), names()[0]) == ("ascending", "night")
    index.tab.locator("th button").first.click()
    assert names() == sorted(names())
    index.tab.get_by_role("link", name="night", exact=True).click()
    index.tab.wait_for_selector("html[data-ready=yes]", timeout=PATIENCE_MS)
    assert index.tab.url == (runs / "night/report.html").as_uri()

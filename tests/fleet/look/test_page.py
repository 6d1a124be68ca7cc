"""The HTML report in a real browser: on a laptop, on a phone and on paper."""

from __future__ import annotations

from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from driver_monitor.fleet.look.write_report import as_text
from driver_monitor.fleet.store.rows import Batch, DeadLetter
from driver_monitor.fleet.store.store import open_store
from tests.aim.test_page import LEAST_CONTRAST
from tests.fleet.look.fleet import report, row, trip
from tests.fleet.store.rows import NOW, online

SIZES = {"laptop": (1280, 800), "phone": (390, 844)}
HOSTILE = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>" + "x" * 300
CONTRAST = """element => {
    const parts = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(one => {
        const part = one / 255;
        return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    const light = colour => { const [r, g, b] = parts(colour); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
    const text = getComputedStyle(element).color;
    let ground = "rgba(0, 0, 0, 0)";
    for (; ground === "rgba(0, 0, 0, 0)"; element = element.parentElement)
        ground = getComputedStyle(element).backgroundColor;
    const [low, high] = [light(text), light(ground)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
}"""


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    store = open_store(str(folder / "fleet.db"), make=True)
    hour = timedelta(hours=1)
    alerts = [
        row(f"van-{number}", 3 * seq, NOW - seq * hour, level=level, rule=rule)
        for number in range(1, 5)
        for seq, (level, rule) in enumerate(
            [("warning", "microsleep"), ("critical", "sleep"), ("info", "yawning"), ("warning", "long_distraction")], 1
        )
    ]
    alerts += [row(HOSTILE, 1, NOW - hour, rule=HOSTILE, wall_synced=False), row(HOSTILE, 2, NOW - hour)]
    trips = [trip(f"van-{number}", 3600.0 * number, NOW - 9 * hour, 4 * 3600.0) for number in range(1, 4)]
    dead = [DeadLetter(HOSTILE, b"{", HOSTILE, NOW - hour)]
    store.put(Batch(alerts, trips, [online(True, -90 * 3600, HOSTILE), online(False, -80 * 3600, "van-9")], dead))
    path = folder / "report.html"
    path.write_text(as_text(report(store, "fleet.db"), "html", "rates", timezone.utc))
    store.close()
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_ok__the_page_can_be_read_on_a_laptop_and_a_phone(
    browser: Any, page_file: Path, tmp_path: Path, scheme: str
) -> None:
    faults: list[str] = []
    tab = browser.new_context(color_scheme=scheme).new_page()
    tab.on("console", lambda told: faults.append(told.text))
    tab.on("request", lambda one: faults.extend([] if one.url == page_file.as_uri() else [one.url]))
    tab.goto(page_file.as_uri())
    assert tab.title() == "Fleet report, 2026-11-22 12:00 to 2026-11-29 12:00"
    for kind, (width, height) in SIZES.items():
        tab.set_viewport_size({"width": width, "height": height})
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        answer = tab.locator("ul.answer").bounding_box()
        assert answer["y"] + answer["height"] <= height, "the answer is in sight without scrolling"
        for selector in ("p.soft >> nth=0", "#rates td >> nth=1", ".critical >> nth=0", ".warning >> nth=0"):
            assert tab.locator(selector).evaluate(CONTRAST) >= LEAST_CONTRAST, selector
        tab.screenshot(path=str(tmp_path / f"{kind}-{scheme}.png"))
    assert "unknown" in tab.inner_text("#vehicles")
    assert tab.locator("#unacknowledged tbody tr").count() == 14
    assert faults == []


def test_ok__the_page_runs_nothing_and_loads_nothing(browser: Any, page_file: Path) -> None:
    text = page_file.read_text()
    assert "<script" not in text
    assert "<img" not in text
    assert 'http-equiv="Content-Security-Policy" content="default-src &#x27;none&#x27;' in text
    assert not [word for word in ("http://", "https://", "@import", "url(") if word in text]


def test_ok__the_page_can_be_printed(browser: Any, page_file: Path, tmp_path: Path) -> None:
    tab = browser.new_page()
    tab.goto(page_file.as_uri())
    tab.emulate_media(media="print", color_scheme="dark")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert tab.locator("#rates td >> nth=1").evaluate(CONTRAST) >= LEAST_CONTRAST
    paper = tab.pdf(path=str(tmp_path / "report.pdf"), format="A4")
    assert len(paper) > 10_000

"""A comparison of runs as a page for a browser, in one file. Tables say all; a drawing shows the clips at a glance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from driver_monitor.bench.compare import table
from driver_monitor.bench.compare.comparison import RunComparison
from driver_monitor.bench.compare.frames import SIGNALS
from driver_monitor.bench.compare.run_pair import WORSE, PairDifference
from driver_monitor.bench.html.page import embedded, page
from driver_monitor.bench.html.plotly_script import LOAD, plotly_element
from driver_monitor.errors import UsageError

LEAST_DRAWN = 3
"""With fewer clips that differ, a drawing shows less than the table."""
MOST_DRAWN = 200
MOST_ROWS = 5000
"""Rows of a table. A browser shows so many at once; `--json` has all."""
_STYLE = """
td { overflow-wrap: break-word; } .number { white-space: nowrap; } .better { color: #1a6b2b; font-weight: 600; }
@media (prefers-color-scheme: dark) { .better { color: #8fdba0; } }
code { font-size: .9em; } #drawing { max-width: 70rem; }
"""
_DRAW = """
loadPlotly().then(() => {
  const data = JSON.parse(document.getElementById("drawn").textContent);
  const style = getComputedStyle(document.body);
  const colour = style.getPropertyValue("--text");
  const place = document.getElementById("drawing");
  const bars = data.series.map((one) => (
    { type: "bar", orientation: "h", name: one.name, y: data.clips, x: one.values }));
  Plotly.newPlot(place, bars, {
    barmode: data.barmode, height: 90 + 22 * data.clips.length, margin: { l: 220, r: 20, t: 30, b: 50 },
    xaxis: { title: { text: data.title }, zeroline: true }, yaxis: { autorange: "reversed", automargin: true },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: colour },
  }, { displaylogo: false, responsive: true });
}).catch(() => {
  document.getElementById("drawing").textContent = "This browser cannot draw here. The tables say the same.";
});
"""


def comparison_page(found: RunComparison, program: str) -> str:
    """Return the page. `program`: how the user starts the program, for the commands to look closer."""
    lines = list(table.header(found))
    body = ["<h1>Comparison of runs</h1>", *(f"<p>{escape(line)}</p>" for line in lines)]
    scripts: tuple[str, ...] = ()
    if found.different:
        body += [*_alerts(found), *_figures(found), *_signals(found)]
        drawing = _drawing(found)
        if drawing:
            body += drawing
            scripts = (LOAD, _DRAW)
        body += [*_clips(found), *(f'<p class="soft">{escape(line)}</p>' for line in table.notes(found))]
        body += ["<h2>Look closer</h2>"]
        body += [
            f"<p><code>{escape(line.removeprefix('next:').strip())}</code></p>"
            for line in table.next_commands(found, program)
        ]
    body += [f'<p class="warning">{escape(fault)}</p>' for fault in found.faults]
    return page(f"{found.a} and {found.b} compared", "\n".join(body), _STYLE, scripts)


Row = Sequence[tuple[str, str]]
"""Cells: text, class."""


def _table(headings: Sequence[str], rows: Sequence[Row], numbers: Sequence[int] = ()) -> str:
    head = "".join(
        f"<th{_class('number' if i in numbers else '')}>{escape(one)}</th>" for i, one in enumerate(headings)
    )
    lines = [
        "".join(
            f"<td{_class(f'number {kind}' if i in numbers else kind)}>{escape(text)}</td>"
            for i, (text, kind) in enumerate(row)
        )
        for row in rows[:MOST_ROWS]
    ]
    more = f'<p class="soft">and {len(rows) - MOST_ROWS} more: --json</p>' if len(rows) > MOST_ROWS else ""
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _class(names: str) -> str:
    return f' class="{names.strip()}"' if names.strip() else ""


def _alerts(found: RunComparison) -> Iterator[str]:
    rows: list[Row] = []
    for pair in found.different:
        for one in pair.alerts:
            moved = one.alert.moved_s
            sides = (table.NONE if side is None else f"{side.t:.2f} s" for side in (one.alert.a, one.alert.b))
            kind = "" if one.meaning is None else "critical" if one.meaning in WORSE else "better"
            rows.append(
                [
                    (pair.name, ""),
                    (table.rule_words(one), ""),
                    *((text, "") for text in sides),
                    (table.NONE if moved is None else f"{moved:+.2f} s", ""),
                    (one.alert.kind, ""),
                    (one.verdict, kind),
                    (one.reason, ""),
                ]
            )
    if rows:
        shown = table.rule_columns(found)
        by_rule: list[Row] = []
        for rule in found.by_rule:
            counts = {**rule.kinds, **rule.meanings}
            shift = table.NONE if rule.shift_s is None else f"{rule.shift_s:+.2f} s"
            cells = (rule.rule, str(rule.a), str(rule.b), *(str(counts[name]) for name in shown), shift)
            by_rule.append([(cell, "") for cell in cells])
        yield "<h2>Alerts</h2>"
        yield _table(("rule", "A", "B", *shown, "median shift"), by_rule, range(1, len(shown) + 4))
        yield _table(("clip", "rule", "A", "B", "B - A", "what", "by the labels", "why"), rows, (2, 3, 4))


def _figures(found: RunComparison) -> Iterator[str]:
    if found.figures:
        kinds = {"better": "better", "worse": "critical"}
        rows = [
            [*((cell, "") for cell in table.figure_cells(one)), (table.shown_change(one), kinds.get(one.change, ""))]
            for one in found.figures
        ]
        yield "<h2>Scores</h2>"
        yield _table(("score", "A", "B", "B - A", "95 % interval", "persons", "shows"), rows, (1, 2, 3, 4, 5))


def _signals(found: RunComparison) -> Iterator[str]:
    rows: list[Row] = []
    for name in SIGNALS:
        common, different, seconds = found.frames(name)
        share = f"{100 * different / common:.2f} %" if common else table.NONE
        cells = (name, str(common), str(different), share, f"{seconds:.1f}", table.longest(found, name))
        rows.append([(cell, "") for cell in cells])
    yield "<h2>Frames</h2>"
    yield _table(("field", "common frames", "differ", "share", "seconds", "longest stretch"), rows, (1, 2, 3, 4))


def _clips(found: RunComparison) -> Iterator[str]:
    rows: list[Row] = []
    for pair in found.different:
        seconds = [f"{pair.signals[name].seconds:.1f}" for name in SIGNALS[:3]]
        cells = (pair.name, str(len(pair.alerts)), *seconds, ", ".join(table.moments(pair, 10)))
        rows.append([(cell, "") for cell in cells])
    yield "<h2>Clips, those that differ most first</h2>"
    yield _table(("clip", "alerts", "eyes s", "attention s", "gaze s", "at"), rows, (1, 2, 3, 4))


def _drawing(found: RunComparison) -> list[str]:
    """Return the elements of the drawing; none for few clips, or without plotly: the tables say the same."""
    if len(found.different) < LEAST_DRAWN:
        return []
    try:
        library = plotly_element()
    except UsageError:
        return []
    scored = [(pair, change) for pair in found.different if (change := _f1_change(pair)) is not None]
    if len(scored) >= LEAST_DRAWN:
        scored = sorted(scored, key=lambda one: one[1])[:MOST_DRAWN]
        clips, title = [pair.name for pair, _ in scored], "F1 of closed eyes over frames, B - A: right is better"
        series = [{"name": "B - A", "values": [round(change, 4) for _, change in scored]}]
    else:
        drawn = found.different[:MOST_DRAWN]
        clips, title = [pair.name for pair in drawn], "seconds that differ"
        series = [{"name": name, "values": [pair.signals[name].seconds for pair in drawn]} for name in SIGNALS]
    values: dict[str, Any] = {"clips": clips, "title": title, "series": series, "barmode": "stack"}
    return ['<h2>By clip</h2><div id="drawing"></div>', embedded("drawn", values), library]


def _f1_change(pair: PairDifference) -> float | None:
    if pair.scores is None:
        return None
    a, b = (score.ratio("frame_f1") for score in pair.scores)
    return None if a is None or b is None or a == b else b - a

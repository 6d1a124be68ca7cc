"""The index of many runs: false and missed alerts, alerts by rule, coverage, and a link to each report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources

from driver_monitor.bench.html.page import page
from driver_monitor.bench.report.summary import RunSummary, percent
from driver_monitor.bench.score.clip import ClipScore
from driver_monitor.messages.lines import plain

INDEX = "index.html"
TITLE = "index of runs, driver-monitor"
"""Ends the title of the page: no other file is ever replaced by an index."""
_FILES = resources.files("driver_monitor.bench.report") / "page"


@dataclass(frozen=True, slots=True)
class IndexRow:
    """One run. `link`: to its report, relative to the index. `score`: None without labels. `note`: on its labels."""

    name: str
    link: str
    summary: RunSummary
    score: ClipScore | None
    note: str = ""

    @property
    def missed(self) -> int | None:
        """Alerts that were due and did not come in time. None: nobody labelled the clip."""
        return None if self.score is None else sum(one.due - one.in_time for one in self.score.alerts.values())

    @property
    def false(self) -> int | None:
        """False alerts. None: nobody labelled the clip."""
        return None if self.score is None else sum(one.false for one in self.score.alerts.values())

    @property
    def false_rules(self) -> list[str]:
        """The rules of the false alerts."""
        return [] if self.score is None else [rule for rule, one in self.score.alerts.items() if one.false]

    @property
    def not_scored(self) -> int | None:
        """Alerts of rules that no label can judge. None: nobody labelled the clip."""
        if self.score is None:
            return None
        return sum(self.score.raised.values()) - sum(one.raised for one in self.score.alerts.values())

    @property
    def not_judged(self) -> int | None:
        """Alerts of which the labels do not say whether they are right. None: nobody labelled the clip."""
        return None if self.score is None else sum(one.unscored for one in self.score.alerts.values())


def index_page(rows: Sequence[IndexRow]) -> str:
    """Return the page. The runs with the most false and missed alerts come first, then those with the most alerts."""
    ordered = sorted(rows, key=_badness)
    rules = sorted({rule for row in rows for rule in row.summary.alerts})
    labelled = any(row.score is not None for row in rows)
    judged = ["Missed", "False", "Not judged"] if labelled else []
    headings = ["Run", "Frames", "Seconds", *judged, "Alerts", *rules, "Face", "Eyes", "Gaze"]
    head = "".join(
        f'<th scope="col" aria-sort="none"><button type="button">{_breakable(one)}</button></th>' for one in headings
    )
    lines = [
        f"<h1>{len(rows)} runs</h1>",
        f'<p class="soft">{escape(_totals(rows, labelled))}</p>',
        '<p class="soft">Face, eyes, gaze: share of the frames in which each is known. Click a heading to sort.</p>',
        '<div class="wide"><table><thead><tr>',
        head,
        "</tr></thead><tbody>",
        *(_row(row, rules, labelled) for row in ordered),
        "</tbody></table></div>",
    ]
    scripts = ((_FILES / "index.js").read_text("utf-8"),)
    return page(f"{len(rows)} runs: {TITLE}", "\n".join(lines), (_FILES / "index.css").read_text("utf-8"), scripts)


def _breakable(name: str) -> str:
    """Return a name as HTML that a browser may break after each underscore."""
    return escape(plain(name)).replace("_", "_<wbr>")


def _badness(row: IndexRow) -> tuple[int, int, str]:
    return -((row.missed or 0) + (row.false or 0)), -sum(row.summary.alerts.values()), row.name


def _totals(rows: Sequence[IndexRow], labelled: bool) -> str:
    hours = sum(row.summary.seconds for row in rows) / 3600
    alerts = sum(sum(row.summary.alerts.values()) for row in rows)
    text = f"{sum(row.summary.frames for row in rows)} frames, {hours:.2f} h, {alerts} alerts."
    if not labelled:
        return text
    names = ("missed", "false", "not_judged", "not_scored")
    missed, false, judged, scored = (sum(getattr(row, name) or 0 for row in rows) for name in names)
    count = sum(row.score is not None for row in rows)
    return (
        f"{text} {count} runs have labels: {missed} missed, {false} false, {judged} not judged, "
        f"{scored} not scored (of rules that no label can judge). "
        "Counted as `score clips` does: an alert for drowsiness always counts as false."
    )


def _row(row: IndexRow, rules: Sequence[str], labelled: bool) -> str:
    summary = row.summary
    note = f' <span class="soft">{escape(plain(row.note))}</span>' if row.note else ""
    cells = [str(summary.frames), f"{summary.seconds:.1f}"]
    if labelled:
        missed, false, judged = ("-" if one is None else str(one) for one in (row.missed, row.false, row.not_judged))
        cells += [missed, f"{false} {', '.join(row.false_rules)}".rstrip(), judged]
    cells += [str(sum(summary.alerts.values())), *(str(summary.alerts.get(rule, 0)) for rule in rules)]
    cells += [percent(summary.visible[part].share) for part in ("face", "eyes", "gaze")]
    name = f'<td><a href="{escape(row.link)}">{escape(plain(row.name))}</a>{note}</td>'
    return f"<tr>{name}{''.join(f'<td>{_breakable(one)}</td>' for one in cells)}</tr>"

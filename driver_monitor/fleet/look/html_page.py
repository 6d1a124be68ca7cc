"""A report as one HTML page: no script, no other file, no request to anybody. For a laptop, a phone and paper."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from html import escape

from driver_monitor.bench.html import page as html
from driver_monitor.fleet.look.findings import FleetReport
from driver_monitor.fleet.look.period import shown
from driver_monitor.fleet.look.sections import Column, ReportSection, Row, headline, sections, summary

_STYLE = """
body { max-width: 75rem; }
ul.answer { list-style: none; margin: 1rem 0; padding: 0; display: flex; flex-wrap: wrap; gap: .5rem; }
ul.answer li { border: 2px solid var(--line); border-radius: .4rem; padding: .3rem .7rem; font-weight: 600; }
th, td { white-space: nowrap; } th { white-space: normal; }
.sent { white-space: normal; overflow-wrap: anywhere; }
.bar { position: relative; height: .5rem; min-width: 6rem; margin-top: .3rem; background: var(--band); }
.bar span { position: absolute; top: .1rem; height: .3rem; background: var(--bar); opacity: .45; }
.bar b { position: absolute; top: 0; width: 3px; height: .5rem; background: var(--bar); }
@media (max-width: 700px) {
  table, tbody, tr, td { display: block; } thead { display: none; }
  tr { border: 1px solid var(--line); border-radius: .4rem; margin: .5rem 0; padding: .2rem 0; }
  td { display: flex; justify-content: space-between; gap: 1rem; border: 0; padding: .15rem .6rem;
    white-space: normal; overflow-wrap: anywhere; }
  td::before { content: attr(data-heading); color: var(--soft); flex: 0 0 auto; } .number { text-align: right; }
  .bar { display: none; }
}
@media print { :root { --ground: #fff; --text: #000; --soft: #333; --critical: #8a0f14; --warning: #6b4300;
  --bar: #1d5fa8; --line: #999; --band: #eee; } body { max-width: none; padding: 0; font-size: 11px; }
  tr { break-inside: avoid; } thead { display: table-header-group; } h2 { break-after: avoid; }
  .bar, th { print-color-adjust: exact; } }
"""


def page(report: FleetReport, zone: tzinfo | None = None) -> str:
    """Return the page. `zone`: of the times on it; None: that of this machine."""
    period = f"{shown(report.period.since, zone)} to {shown(report.period.until, zone)}"
    zone_name = escape(f"{report.made.astimezone(zone):UTC%z}")
    answers = headline(report) or ["nothing needs attention"]
    body = [
        f"<h1>Fleet report</h1><p>{escape(period)} ({zone_name}), made {escape(shown(report.made, zone))}</p>",
        f'<p class="soft">{escape(summary(report))}. About vehicles, not about persons.</p>',
        f'<ul class="answer">{"".join(f"<li>{escape(one)}</li>" for one in answers)}</ul>',
        *(_section(one) for one in sections(report, zone)),
    ]
    return html.page(f"Fleet report, {period}", "\n".join(body), _STYLE)


def _section(section: ReportSection) -> str:
    head = f'<section id="{section.name}"><h2>{escape(section.title)}</h2><p class="soft">'
    if not section.rows:
        return f"{head}{escape(section.none)}</p></section>"
    cut = f" The first {len(section.rows)} of {section.total}." if section.total > len(section.rows) else ""
    headings = "".join(f"<th{_kind(one)}>{escape(one.heading)}</th>" for one in section.columns)
    longest = _longest(section.rows)
    rows = "".join(_row(section, row, longest) for row in section.rows)
    return (
        f"{head}{escape(section.advice)}{cut}</p><table><thead><tr>{headings}</tr></thead>"
        f"<tbody>{rows}</tbody></table></section>"
    )


def _row(section: ReportSection, row: Row, longest: float) -> str:
    cells = [
        f'<td{_kind(one)} data-heading="{escape(one.heading)}"><span{_level(row, one.heading)}>'
        f"{escape(one.words(row))}</span></td>"
        for one in section.columns
    ]
    if longest and cells:
        cells[-1] = cells[-1].removesuffix("</td>") + _bar(row, longest) + "</td>"
    return f"<tr>{''.join(cells)}</tr>"


def _level(row: Row, heading: str) -> str:
    level = row.get("level")
    return f' class="{level}"' if heading == "level" and level in ("critical", "warning") else ""


def _kind(column: Column) -> str:
    return ' class="number"' if column.number else ' class="sent"' if column.sent else ""


def _longest(rows: Sequence[Row]) -> float:
    """Return the right end of the bars: the largest rate, times two, so that a wide interval is cut. 0: no bars."""
    return 2.0 * max((float(row["per_hour"] or 0.0) for row in rows if "per_hour" in row), default=0.0)


def _bar(row: Row, longest: float) -> str:
    low, value, high = (row.get(name) for name in ("low", "per_hour", "high"))
    if low is None or value is None or high is None:
        return ""
    left, middle, right = (100.0 * min(float(one), longest) / longest for one in (low, value, high))
    return (
        f'<div class="bar" aria-hidden="true"><span style="left:{left:.1f}%;width:{right - left:.1f}%"></span>'
        f'<b style="left:{min(middle, 99.0):.1f}%"></b></div>'
    )

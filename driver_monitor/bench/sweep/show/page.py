"""Write a sweep as one page for a browser, with curves."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from driver_monitor.bench.html.page import embedded, page
from driver_monitor.bench.html.plotly_script import LOAD, plotly_element
from driver_monitor.bench.sweep.run import Sweep
from driver_monitor.bench.sweep.settings import shown
from driver_monitor.bench.sweep.show import curves, table, words
from driver_monitor.errors import OutputError

STYLE = "td { white-space: nowrap; } tr.present { font-weight: 700; } .wide { overflow-x: auto; }"
DRAW = """
loadPlotly().then(() => {
  const colours = getComputedStyle(document.documentElement);
  const colour = (name) => colours.getPropertyValue(name).trim();
  const figures = JSON.parse(document.getElementById("figures").textContent);
  for (const [id, figure] of Object.entries(figures)) {
    const layout = { ...figure.layout, paper_bgcolor: "transparent", plot_bgcolor: "transparent",
      font: { color: colour("--text") }, margin: { t: 20, r: 20 },
      hoverlabel: { bgcolor: colour("--ground"), font: { color: colour("--text") } } };
    for (const key of Object.keys(layout)) {
      if (/^[xy]axis/.test(key)) {
        const line = colour("--line");
        layout[key] = { ...layout[key], gridcolor: line, zerolinecolor: line, automargin: true };
      }
    }
    Plotly.newPlot(id, figure.data, layout, { responsive: true, displaylogo: false });
  }
  document.body.dataset.drawn = "yes";
});
"""
"""Draws all figures; the attribute `data-drawn` of the body says that it is done. Colours are those of the page."""


def check_page(path: Path) -> None:
    """Raise `OutputError` or `UsageError` if no page can be written to `path`: before a sweep, not after it."""
    plotly_element()
    if path.is_dir() or not path.parent.is_dir():
        reason = "is a folder" if path.is_dir() else f"there is no folder {path.parent}"
        raise OutputError(f"{path}: cannot write it: {reason}; choose another file with --html")


def sweep_page(result: Sweep) -> str:
    """Return the page of a sweep."""
    figures: dict[str, Any] = {}
    parts = [f"<h1>Sweep of {escape(result.profile)}</h1>"]
    parts += [f'<p class="soft">{escape(line)}</p>' for line in table.what_was_set(result)]
    for number, rule in enumerate(result.rules):
        parts.append(f"<h2>{escape(rule)}</h2>")
        parts += [f"<p>{escape(line)}</p>" for line in words.summary(result, rule)]
        if any(one.counts is not None for one in result.rules[rule].values()):
            figures[f"trade{number}"] = curves.trade(result, rule)
            parts.append(f'<div id="trade{number}"></div>')
        figures[f"value{number}"] = curves.by_value(result, rule)
        parts += [f'<div id="value{number}"></div>', _table(result, rule)]
    invalid = [one for one in result.settings if one.fault]
    if invalid:
        parts.append("<h2>Invalid settings</h2>")
        parts += [f"<p>{escape(one.name)}: {escape(one.fault)}</p>" for one in invalid]
    faults = [f"<p>{escape(fault)}</p>" for fault in result.faults]
    parts += ["<h2>Left out</h2>", *faults] if faults else []
    parts.append(f'<p class="soft">{escape(words.footing(result))}</p>')
    body = "\n".join([*parts, embedded("figures", figures), plotly_element()])
    return page(f"Sweep of {result.profile}", body, STYLE, (LOAD, DRAW))


def _table(result: Sweep, rule: str) -> str:
    found = result.rules[rule]
    scored = any(one.counts is not None for one in found.values())
    heads = [*table.value_heads(result), *(table.TITLES if scored else table.UNSCORED_TITLES)]
    rows = ["<tr>", *(f'<th class="number">{escape(head)}</th>' for head in heads), "<th>against the present</th></tr>"]
    for number, one in sorted(found.items()):
        values = [shown(value) for value in result.settings[number].values]
        cells = [f'<td class="number">{escape(cell)}</td>' for cell in (*values, *table.cells(one))]
        last = f"<td>{escape(words.against(result, number, one))}</td>"
        rows += ['<tr class="present">' if number == result.present else "<tr>", *cells, last, "</tr>"]
    return f'<div class="wide"><table>{"".join(rows)}</table></div>'

"""A page in one file: it asks nobody for anything, and shows the same from a disk, a server or an e-mail."""

from __future__ import annotations

import json
from html import escape
from typing import Any

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""A browser then loads nothing from anywhere, and runs nothing."""
_OWN_PARTS = "; script-src 'unsafe-inline'; img-src data: blob:; media-src data: blob:"
"""What a page with scripts may use beside: what lies in the page itself."""
STYLE = """
:root { color-scheme: light dark; --ground: #fff; --text: #1b1b1b; --soft: #4a4a4a; --line: #c9c9c9; --band: #f3f3f3;
  --critical: #8a0f14; --warning: #6b4300; --bar: #1d5fa8; }
@media (prefers-color-scheme: dark) { :root { --ground: #16181a; --text: #f1f1f1; --soft: #c4c4c4; --line: #4c4c4c;
  --band: #222528; --critical: #ffb0ac; --warning: #ffd58a; --bar: #8fc1ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 90rem; background: var(--ground); color: var(--text);
  font: 16px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0 0 .2rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .2rem; }
p { margin: .2rem 0; } .soft { color: var(--soft); }
table { border-collapse: collapse; width: 100%; margin-top: .5rem; font-size: .95rem; }
th, td { text-align: left; padding: .3rem .5rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { background: var(--band); } .number { text-align: right; font-variant-numeric: tabular-nums; }
.critical { color: var(--critical); font-weight: 700; } .warning { color: var(--warning); font-weight: 600; }
"""
"""Colours and tables of all pages. Contrast is at least 4.5 in both colour schemes (WCAG 2.1, 1.4.3)."""


def page(title: str, body: str, style: str = "", scripts: tuple[str, ...] = ()) -> str:
    """Return a page. `title`: plain text. `body`: HTML, its texts already escaped. `scripts`: texts of JavaScript.

    Without `scripts` a browser runs nothing, whatever the body holds.
    """
    policy = _POLICY + (_OWN_PARTS if scripts else "")
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{STYLE}{style}</style></head><body>",
            body,
            *(f"<script>{script}</script>" for script in scripts),
            "</body></html>",
            "",
        ]
    )


def embedded(name: str, value: Any) -> str:
    """Return an element that holds `value` as JSON for the scripts of a page. Nothing in it can end the element.

    A script reads it by `JSON.parse(document.getElementById(name).textContent)`. Raises `ValueError` for NaN.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return f'<script type="application/json" id="{escape(name)}">{text.replace("<", chr(92) + "u003c")}</script>'

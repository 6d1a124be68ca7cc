"""The page of one run. Without JavaScript, and on paper, it still has the summary and all alerts with explanations."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from importlib import resources

from driver_monitor.bench.html.page import embedded, page
from driver_monitor.bench.html.plotly_script import LOAD, plotly_element
from driver_monitor.bench.replays.pictures import AlertPicture
from driver_monitor.bench.report import packing
from driver_monitor.bench.report.columns import Columns
from driver_monitor.bench.report.episodes import Episode
from driver_monitor.bench.report.labelled import LabelSpan
from driver_monitor.bench.report.summary import RunSummary, duration, percent, summarize
from driver_monitor.bench.report.unknown import PARTS
from driver_monitor.bench.runs.read_run import Run
from driver_monitor.bench.score.clip import ClipScore
from driver_monitor.messages.lines import clock, plain

PICTURE_WARNING = "This page shows a person. Store it and pass it on as you would the recording itself."
_FILES = resources.files("driver_monitor.bench.report") / "page"


Pictures = Mapping[str, Sequence[AlertPicture]]
"""Alert id -> pictures that lead to it."""
Verdicts = Mapping[tuple[str, float], bool | None]
"""Rule and time of each alert that is scored -> whether it is right. None: most of its time is not labelled."""
VERDICTS = {True: "right", False: "false", None: "not judged"}


@dataclass(frozen=True, slots=True, eq=False)
class ReportContent:
    """What the page of a run shows. `labels`, `score`, `verdicts`: None without labels.

    `note`: what the reader should know.
    """

    run: Run
    columns: Columns
    episodes: Sequence[Episode]
    labels: Sequence[LabelSpan] | None = None
    score: ClipScore | None = None
    pictures: Pictures | None = None
    note: str = ""
    verdicts: Verdicts | None = None

    def verdict(self, episode: Episode) -> str | None:
        """Return what the labels say of an alert, in words. None: the run is not scored."""
        if self.verdicts is None:
            return None
        key = episode.rule, episode.start
        return VERDICTS[self.verdicts[key]] if key in self.verdicts else "not scored"


def file_text(name: str) -> str:
    """Return the text of a style sheet or script in the folder `page`."""
    return (_FILES / name).read_text("utf-8")


def run_page(content: ReportContent) -> str:
    """Return the page. Raises `UsageError`: plotly is not installed."""
    summary = summarize(content.columns, content.episodes)
    packed, series = packing.pack(content.columns)
    facts = {
        "frames": summary.frames,
        "series": series,
        "parts": PARTS,
        "summary": asdict(summary),
        "episodes": [
            {key: getattr(one, key) for key in ("rule", "level", "start", "end", "message")} for one in content.episodes
        ],
        "labels": None if content.labels is None else [asdict(one) for one in content.labels],
    }
    body = "\n".join(
        [
            *_head(content),
            *_summary(summary),
            _CHART if summary.frames else "<p>This run has no frames.</p>",
            *_alerts(content),
            *_unknown(summary),
            *_score(content.score),
            f'<script type="text/plain" id="packed">{packed}</script>',
            embedded("facts", facts),
            plotly_element(),
        ]
    )
    scripts = (LOAD, file_text("series.js"), file_text("chart.js"), file_text("report.js"))
    return page(f"{content.run.name}: report", body, file_text("report.css"), scripts)


def _head(content: ReportContent) -> list[str]:
    info = {key: plain(value) for key, value in content.run.info.items()}
    clip, every = info.get("clip", "?"), info.get("every", "?")
    made = ", ".join(f"{key} {info.get(key, '?')}" for key in ("version", "profile", "model", "config"))
    lines = [
        f"<h1>{escape(plain(content.run.name))}</h1>",
        f'<p class="soft">Replay of {escape(clip)}; {escape(made)}; every {escape(every)}</p>',
    ]
    if content.pictures is not None:
        lines.append(f'<p class="notice" id="shows-a-person"><strong>{escape(PICTURE_WARNING)}</strong></p>')
    warnings = content.run.info.get("warnings")
    notes = [content.note, *(warnings if isinstance(warnings, list) else [])]
    return [*lines, *(f'<p class="notice">{escape(plain(one))}</p>' for one in notes if one)]


def _summary(summary: RunSummary) -> list[str]:
    alerts = sum(summary.alerts.values())
    rules = ", ".join(f"{plain(rule)} {count}" for rule, count in summary.alerts.items()) or "none"
    facts = {
        "Frames": str(summary.frames),
        "Length": duration(summary.seconds),
        "Face found": percent(summary.visible["face"].share),
        "Eyes read": percent(summary.visible["eyes"].share),
        "Gaze known": percent(summary.visible["gaze"].share),
        "Alerts": f"{alerts} ({rules})" if alerts else "none",
    }
    items = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts.items())
    return [f'<dl class="summary" id="summary">{items}</dl>']


_CHART = """<section id="timeline"><h2>Timeline</h2>
<noscript><style>.scripted { display: none !important; }</style>
<p class="notice">The drawing needs JavaScript. The alerts and the summary below do not.</p></noscript>
<p class="soft scripted">Point at the drawing, or use the arrow keys in it, to read one frame. Drag to zoom in. Click a
coloured band to see why there was an alert. Hatched: unknown. A thin hatched line: unknown for a part of the time. The
area around PERCLOS goes from the lowest to the highest possible value.</p>
<div class="buttons scripted" role="toolbar" aria-label="Time shown">
<button type="button" data-move="earlier">◀ Earlier</button><button type="button" data-move="later">Later ▶</button>
<button type="button" data-move="in">Zoom in</button><button type="button" data-move="out">Zoom out</button>
<button type="button" data-move="all">Whole run</button></div>
<div id="drawing" class="scripted" tabindex="0" role="group"
 aria-label="Drawing of the run over time. Left and right arrow: one frame. With Shift: one second. The values are read
 out below the drawing."><div id="plot"></div><div id="cursor" hidden></div></div>
<p id="fault" class="notice" hidden></p></section>
<aside id="dock" class="scripted" hidden><div id="why" role="region" aria-label="Why this alert" hidden>
<button type="button" id="close">Close</button><pre></pre></div>
<dl id="readout" aria-live="polite" aria-label="Values of one frame"></dl></aside>"""


JUDGED = "By the labels"


def _alerts(content: ReportContent) -> list[str]:
    lines = ['<section id="alerts"><h2>Alerts</h2>']
    if not content.episodes:
        return [*lines, "<p>No alert was raised.</p></section>"]
    judged = [] if content.verdicts is None else [JUDGED]
    names = ["Alert", "Level", "From", "Seconds", *judged, "Message"]
    headings = "".join(f'<th scope="col">{name}</th>' for name in names)
    lines.append(f"<table><thead><tr>{headings}</tr></thead><tbody>")
    for number, episode in enumerate(content.episodes):
        lines.append(_alert_row(number, episode, content.verdict(episode)))
        pictures = _figure(episode, content.pictures or {})
        lines.append(
            f'<tr class="why" id="why-{number}"><td colspan="{len(names)}"><pre>{escape(episode.text)}</pre>{pictures}'
            "</td></tr>"
        )
    return [*lines, "</tbody></table></section>"]


def _alert_row(number: int, episode: Episode, verdict: str | None) -> str:
    rule, level = escape(plain(episode.rule)), escape(episode.level)
    length = "still active" if episode.end is None else f"{episode.end - episode.start:.1f}"
    cells = [
        ("Alert", f'<button type="button" data-alert="{number}" aria-controls="why-{number}">{rule}</button>'),
        ("Level", f'<span class="{level}">{level}</span>'),
        ("From", clock(episode.start)),
        ("Seconds", length),
        *([] if verdict is None else [(JUDGED, f"<strong>{verdict}</strong>" if verdict == "false" else verdict)]),
        ("Message", escape(plain(episode.message))),
    ]
    return "<tr>" + "".join(f'<td data-heading="{name}">{cell}</td>' for name, cell in cells) + "</tr>"


def _figure(episode: Episode, pictures: Pictures) -> str:
    shown = [picture for one in episode.ids for picture in pictures.get(one, ())]
    images = "".join(map(_image, shown))
    return f'<div class="pictures">{images}</div>' if images else ""


def _image(picture: AlertPicture) -> str:
    at, data = clock(picture.t), base64.b64encode(picture.jpeg).decode()
    image = f'<img alt="The picture at {at}" src="data:image/jpeg;base64,{data}">'
    return f"<figure>{image}<figcaption>{at}</figcaption></figure>"


def _unknown(summary: RunSummary) -> list[str]:
    headings = (
        '<th scope="col">Part</th><th scope="col" class="number">Known</th>'
        '<th scope="col">Unknown, and why (share of all frames)</th>'
    )
    rows = []
    for part, name in PARTS.items():
        visible = summary.visible[part]
        why = ", ".join(f"{plain(one)} {percent(n / summary.frames)}" for one, n in visible.unknown.items()) or "never"
        rows.append(
            f'<tr><td data-heading="Part">{name}</td><td data-heading="Known" class="number">{percent(visible.share)}'
            f'</td><td data-heading="Unknown">{escape(why)}</td></tr>'
        )
    table = f"<table><thead><tr>{headings}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    return [f'<section id="unknown"><h2>What was known</h2>{table}</section>']


def _score(score: ClipScore | None) -> list[str]:
    if score is None:
        return []
    headings = '<th scope="col">Rule</th>' + "".join(
        f'<th scope="col" class="number">{name}</th>' for name in ("Due", "In time", "Raised", "False", "Not judged")
    )
    rows = "".join(
        f'<tr><td data-heading="Rule">{escape(plain(rule))}</td>'
        + "".join(
            f'<td data-heading="{name}" class="number">{value}</td>'
            for name, value in (
                ("Due", alert.due),
                ("In time", alert.in_time),
                ("Raised", alert.raised),
                ("False", alert.false),
                ("Not judged", alert.unscored),
            )
        )
        + "</tr>"
        for rule, alert in score.alerts.items()
    )
    long = score.long_events
    text = (
        f"Closures of half a second or more: {long.closures} labelled, {long.closures_missed} missed; false ones: "
        f"{len(score.eyes.long)}. Yawns: {score.yawns.labelled} labelled, {score.yawns.found} found, "
        f"{score.yawns.false} false. Counted as `score clips` does: an alert for drowsiness always counts as false."
    )
    table = f"<table><thead><tr>{headings}</tr></thead><tbody>{rows}</tbody></table>"
    return [f'<section id="score"><h2>Against the labels</h2>{table}<p class="soft">{escape(text)}</p></section>']

"""Print the scores of clips as tables: two with a line per clip, one with the pooled figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from driver_monitor.bench.runs.scored_rules import UNLABELLED
from driver_monitor.bench.score.clip import ClipScore
from driver_monitor.bench.score.intervals import Figure, Rate
from driver_monitor.bench.score.summary import Pooled

NONE = "-"
"""Cell of a figure without data."""
_TITLES = {
    "frame_f1": "closed eyes, F1 over frames",
    "frame_precision": "  precision",
    "frame_recall": "  recall",
    "event_f1": "closures, F1",
    "event_precision": "  precision",
    "event_recall": "  recall",
    "closed_share_error": "closed share, mean error (% points)",
    "unknown_share": "eyes unknown",
    "face_present": "face found",
    "look_away_agreement": "head or gaze agrees with look_away",
}
_PERCENT = ("unknown_share", "face_present", "look_away_agreement")

Columns = Sequence[tuple[str, Callable[[ClipScore], str]]]
EYES: Columns = (
    ("s", lambda c: f"{c.seconds:.1f}"),
    ("frame F1", lambda c: _number(c.ratio("frame_f1"))),
    ("prec.", lambda c: _number(c.ratio("frame_precision"))),
    ("recall", lambda c: _number(c.ratio("frame_recall"))),
    ("closures", lambda c: f"{c.eyes.found}/{c.eyes.labelled}"),
    ("false", lambda c: str(c.eyes.false)),
    ("event F1", lambda c: _number(c.ratio("event_f1"))),
    ("long", lambda c: str(len(c.eyes.long))),
    ("share err.", lambda c: _number(c.eyes.share_error, 2)),
    ("unknown", lambda c: _percent(c.ratio("unknown_share"))),
)
REST: Columns = (
    ("face", lambda c: _percent(c.ratio("face_present"))),
    ("gap s", lambda c: _number(c.face.longest_gap_s, 2)),
    ("again s", lambda c: _number(c.face.found_again_s, 2)),
    ("look_away", lambda c: _percent(c.ratio("look_away_agreement"))),
    ("yawns", lambda c: f"{c.yawns.found}/{c.yawns.labelled}"),
    ("false", lambda c: str(c.yawns.false)),
    ("alerts raised", lambda c: _alerts(c, "raised")),
    ("due", lambda c: _alerts(c, "due")),
    ("in time", lambda c: _alerts(c, "in_time")),
    ("false", lambda c: _alerts(c, "false")),
    ("not judged", lambda c: _alerts(c, "unscored")),
)


COUNTED = (
    ("yawns found", "yawns_found", "yawns"),
    ("  of two seconds and more", "long_yawns_found", "long_yawns"),
    ("closures of half a second and more missed", "long_closures_missed", "long_closures"),
    ("alerts about closed eyes that are false", "long_alerts_false", "long_alerts"),
    ("looks away of three seconds and more told", "long_looks_told", "long_looks"),
)
"""Rows of the pooled table: title, and the two counts whose ratio it shows."""


def show(scores: Sequence[ClipScore], pooled: Pooled, console: Console) -> None:
    """Print the three tables, and how the intervals are made."""
    for table in (_of_clips(scores, EYES), _of_clips(scores, REST), _pooled(pooled)):
        console.print(table)
    console.print(
        f"95 % intervals: ratios by bootstrap over {pooled.persons} persons, counts and rates exact Poisson over "
        f"{pooled.hours * 60:.1f} minutes ({pooled.hours:.3f} h)",
        highlight=False,
        soft_wrap=True,
    )


def _alerts(score: ClipScore, count: str) -> str:
    return str(sum(getattr(alert, count) for alert in score.alerts.values()))


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 else "right", no_wrap=True)
    return table


def _of_clips(scores: Sequence[ClipScore], columns: Columns) -> Table:
    table = _table("clip", *(title for title, _ in columns))
    for score in scores:
        table.add_row(escape(score.clip), *(cell(score) for _, cell in columns))
    return table


def _pooled(pooled: Pooled) -> Table:
    table = _table("all clips", "", "95 % interval")
    for name, figure in pooled.ratios.items():
        shown: Callable[[float | None], str] = _percent if name in _PERCENT else _number
        table.add_row(_TITLES[name], shown(figure.value), _range(figure, shown))
    for name, rate in pooled.rates.items():
        table.add_row(name.replace("_", " "), str(rate.count), _per_hour(rate))
    for rule, alert in pooled.alerts.items():
        if rule != UNLABELLED:
            table.add_row(f"{rule} raised in time", f"{alert.in_time}/{alert.due}", "")
        judged = f"raised {alert.raised}, due {alert.due}, false {alert.false}, not judged {alert.unscored}"
        table.add_row(rule, str(alert.raised), judged)
    for title, part, whole in COUNTED:
        table.add_row(title, f"{pooled.counts[part]}/{pooled.counts[whole]}", "")
    table.add_row("face found, worst clip", _percent(pooled.face_worst), "")
    table.add_row("longest time until the face was found again (s)", _number(pooled.found_again_s, 2), "")
    return table


def _range(figure: Figure, shown: Callable[[float | None], str]) -> str:
    if figure.value is None:
        return NONE
    if figure.low is None or figure.high is None:
        return "one person: none"
    return f"{shown(figure.low)} to {shown(figure.high)}"


def _per_hour(rate: Rate) -> str:
    if rate.per_hour is None:
        return NONE
    below = "" if rate.count else f"; below {rate.below:.0f} at 95 %"
    return f"{rate.per_hour:.0f} an hour; {rate.low:.0f} to {rate.high:.0f}{below}"


def _number(value: float | None, digits: int = 3) -> str:
    return NONE if value is None else f"{value:.{digits}f}"


def _percent(value: float | None) -> str:
    return NONE if value is None else f"{100 * value:.1f} %"

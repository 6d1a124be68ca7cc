"""Print the scores of clips as tables: two with a line per clip, one with the pooled figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from driver_monitor.bench.score.alerts import UNLABELLED
from driver_monitor.bench.score.clip import ClipScore
from driver_monitor.bench.score.intervals import Figure, Rate
from driver_monitor.bench.score.summary import Pooled

NONE = "-"
"""There was nothing to score."""
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


def show(scores: Sequence[ClipScore], pooled: Pooled, console: Console) -> None:
    """Print all scores."""
    for table in (_eyes(scores), _rest(scores), _pooled(pooled)):
        console.print(table)
    console.print(
        f"95 % intervals: ratios by bootstrap over {pooled.persons} persons, counts and rates exact Poisson over "
        f"{pooled.hours * 60:.1f} minutes ({pooled.hours:.3f} h)",
        highlight=False,
        soft_wrap=True,
    )


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 else "right", no_wrap=True)
    return table


def _eyes(scores: Sequence[ClipScore]) -> Table:
    columns = ("frame F1", "prec.", "recall", "closures", "false", "event F1", "long", "share err.", "unknown")
    table = _table("clip", "s", *columns)
    for score in scores:
        eyes = score.eyes
        table.add_row(
            escape(score.clip),
            f"{score.seconds:.1f}",
            _number(score.ratio("frame_f1")),
            _number(score.ratio("frame_precision")),
            _number(score.ratio("frame_recall")),
            f"{eyes.found}/{eyes.labelled}",
            str(eyes.false),
            _number(score.ratio("event_f1")),
            str(len(eyes.long)),
            _number(eyes.share_error, 2),
            _percent(score.ratio("unknown_share")),
        )
    return table


def _rest(scores: Sequence[ClipScore]) -> Table:
    table = _table("clip", "face", "gap s", "again s", "look_away", "yawns", "false", "alerts due", "in time", "false")
    for score in scores:
        face, alerts = score.face, score.alerts.values()
        table.add_row(
            escape(score.clip),
            _percent(score.ratio("face_present")),
            _number(face.longest_gap_s, 2),
            _number(face.found_again_s, 2),
            _percent(score.ratio("look_away_agreement")),
            f"{score.yawns.found}/{score.yawns.labelled}",
            str(score.yawns.false),
            str(sum(alert.due for alert in alerts)),
            str(sum(alert.in_time for alert in alerts)),
            str(sum(alert.false for alert in alerts)),
        )
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
    table.add_row("yawns found", f"{pooled.counts['yawns_found']}/{pooled.counts['yawns']}", "")
    table.add_row("face found, worst clip", _percent(pooled.face_worst), "")
    table.add_row("longest time until the face was found again (s)", _number(pooled.found_again_s, 2), "")
    return table


def _range(figure: Figure, shown: Callable[[float | None], str]) -> str:
    if figure.low is None or figure.high is None:
        return "one person: none"
    return f"{shown(figure.low)} to {shown(figure.high)}"


def _per_hour(rate: Rate) -> str:
    if rate.per_hour is None:
        return NONE
    if rate.count == 0:
        return f"{rate.per_hour:.0f} an hour; {rate.low:.0f} to {rate.high:.0f}; below {rate.below:.0f} at 95 %"
    return f"{rate.per_hour:.0f} an hour; {rate.low:.0f} to {rate.high:.0f}"


def _number(value: float | None, digits: int = 3) -> str:
    return NONE if value is None else f"{value:.{digits}f}"


def _percent(value: float | None) -> str:
    return NONE if value is None else f"{100 * value:.1f} %"

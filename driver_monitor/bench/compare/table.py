"""Prints a comparison of runs: what differs between the two sides, alerts, signals, scores, clips, what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from driver_monitor.bench.compare.comparison import RunComparison, alert_sums
from driver_monitor.bench.compare.figures import CHANGES, PairedFigure, ScorePair, common_rules, rules_of_one
from driver_monitor.bench.compare.frames import SIGNALS
from driver_monitor.bench.compare.pairs import SettingValues
from driver_monitor.bench.compare.run_pair import WORSE, JudgedDifference, PairDifference
from driver_monitor.bench.runs.run_folder import EVENTS
from driver_monitor.messages.lines import one_line

MOST_ROWS = 20
"""Rows of a table of alerts or clips. `--json` and `--html` have all of them."""
NONE = "-"
PERCENT = ("unknown_share", "face_present", "look_away_agreement")
STYLES = {"better": "green", "worse": "bold red", "new false alert": "bold red", "missed": "bold red", "found": "green"}


def escaped(text: str) -> str:
    """Return `text` as one line that neither the terminal nor rich takes for its own: runs may come from others."""
    return escape(one_line(text))


def show(found: RunComparison, console: Console, program: str) -> None:
    """Print a comparison. `program`: how the user starts the program, for the commands to look closer."""
    for line in header(found):
        console.print(escaped(line), highlight=False, soft_wrap=True)
    if found.different:
        for table in tables(found):
            console.print(table)
        for line in (*notes(found), *next_commands(found, program)):
            console.print(escaped(line), highlight=False, soft_wrap=True)


def header(found: RunComparison) -> Iterator[str]:
    """Yield what is compared, what differs in the settings, what is the same, and whether anything differs."""
    clips = f"{len(found.pairs)} clip" + ("" if len(found.pairs) == 1 else "s")
    if not found.pairs:
        yield f"nothing could be compared: A {found.a}, B {found.b}"
        return
    if found.same:
        yield f"nothing differs: {clips}, the same settings, alerts, eyes, attention, gaze and face{finer(found)}"
        return
    yield f"A {found.a}, B {found.b}: {clips}"
    differ = [one for one in found.settings if one.differs]
    if differ:
        yield "differs: " + "; ".join(f"{one.key} {one.a} -> {one.b}{_part(one, found)}" for one in differ)
    same = [f"{one.key} {one.a}{_part(one, found)}" for one in found.settings if not one.differs and one.a != "null"]
    if same:
        yield "the same: " + ", ".join(same)
    for side, names in (("A", found.only_a), ("B", found.only_b)):
        if names:
            yield f"only in {side}: {listed(names)}"
    if not found.different:
        rest = "; not all could be compared or scored" if found.faults else ""
        yield f"no result differs: {clips}, the same alerts, eyes, attention, gaze and face{finer(found)}{rest}"
    elif not found.alerts:
        yield "the alerts are the same"
    if left_out := sum(one.signals[SIGNALS[0]].left_out for one in found.pairs):
        yield f"frames that only A or only B has, not compared: {left_out}"


def finer(found: RunComparison) -> str:
    """Return in how many clips only values differ that are not compared, such as angles and probabilities."""
    count = sum(one.same and not one.same_signals for one in found.pairs)
    return f" (finer values, such as angles or probabilities, differ in {count})" if count else ""


def _part(setting: SettingValues, found: RunComparison) -> str:
    return "" if setting.pairs == len(found.pairs) else f" ({setting.pairs} of {len(found.pairs)} clips)"


def listed(names: Sequence[str]) -> str:
    """Return names in one line, at most `MOST_ROWS` of them."""
    more = f" and {len(names) - MOST_ROWS} more" if len(names) > MOST_ROWS else ""
    return ", ".join(names[:MOST_ROWS]) + more


def tables(found: RunComparison) -> Iterator[Table]:
    """Yield the tables that have rows: alerts, signals, scores, clips."""
    alerts = [(pair, one) for pair in found.different for one in pair.alerts]
    if alerts:
        yield _rules(found)
        yield _alerts(alerts)
    yield _signals(found)
    if found.figures:
        yield figures_table(found.figures)
        yield scored_clips([one.scores for one in found.different if one.scores is not None])
    if len(found.pairs) > 1:
        yield _clips(found)


def _table(*columns: str, left: Sequence[str] = ()) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left", title_style="bold")
    for index, column in enumerate(columns):
        last = column in left
        table.add_column(column, justify="left" if index == 0 or last else "right", overflow="fold", no_wrap=not last)
    return table


def _rules(found: RunComparison) -> Table:
    shown = rule_columns(found)
    table = _table("alerts by rule", "A", "B", *shown, "median shift")
    for one in found.by_rule:
        counts = {**one.kinds, **one.meanings}
        shift = NONE if one.shift_s is None else f"{one.shift_s:+.2f} s"
        table.add_row(escaped(one.rule), str(one.a), str(one.b), *(str(counts[name]) for name in shown), shift)
    return table


def rule_columns(found: RunComparison) -> list[str]:
    """Return the kinds and meanings of differences that a rule has any of."""
    rules = found.by_rule
    names = [*rules[0].kinds, *rules[0].meanings] if rules else []
    return [name for name in names if any({**one.kinds, **one.meanings}[name] for one in rules)]


def _alerts(rows: Sequence[tuple[PairDifference, JudgedDifference]]) -> Table:
    table = _table("clip", "rule", "A", "B", "B - A", "what", "why", left=("rule", "what", "why"))
    for pair, one in rows[:MOST_ROWS]:
        style = STYLES.get(one.meaning or "", "")
        what = escaped(f"{one.alert.kind}: {one.verdict}" if one.verdict else one.alert.kind)
        moved = one.alert.moved_s
        table.add_row(
            escaped(pair.name),
            escaped(rule_words(one)),
            *(NONE if side is None else f"{side.t:.2f} s" for side in (one.alert.a, one.alert.b)),
            NONE if moved is None else f"{moved:+.2f} s",
            f"[{style}]{what}[/]" if style else what,
            escaped(one.reason),
        )
    if len(rows) > MOST_ROWS:
        table.add_row(f"and {len(rows) - MOST_ROWS} more: --json or --html", *[""] * 6)
    return table


def rule_words(one: JudgedDifference) -> str:
    """Return the rule of a difference, both rules or both levels where these differ."""
    a, b = one.alert.a, one.alert.b
    if a is not None and b is not None and one.alert.kind == "other rule":
        return f"{a.rule} -> {b.rule}"
    if a is not None and b is not None and one.alert.kind == "other level":
        return f"{b.rule}: {' then '.join(a.levels)} -> {' then '.join(b.levels)}"
    return f"{one.alert.episode.rule} ({one.alert.episode.worst})"


def _signals(found: RunComparison) -> Table:
    table = _table("frames", "common", "differ", "share", "seconds", "longest stretch", left=("longest stretch",))
    for name in SIGNALS:
        common, different, seconds = found.frames(name)
        share = f"{100 * different / common:.2f} %" if common else NONE
        table.add_row(name, str(common), str(different), share, f"{seconds:.1f}", escaped(longest(found, name)))
    return table


def longest(found: RunComparison, signal: str) -> str:
    """Return where the longest stretch is in which a field differs, with both values."""
    stretches = [(one.name, stretch) for one in found.different if (stretch := one.signals[signal].longest)]
    if not stretches:
        return NONE
    name, stretch = max(stretches, key=lambda one: one[1].end - one[1].start)
    where = "" if len(found.pairs) == 1 else f"{name}, "
    return f"{where}{stretch.start:.2f} to {stretch.end:.2f} s: {stretch.a} in A, {stretch.b} in B"


def figures_table(figures: Sequence[PairedFigure]) -> Table:
    """Return the table of paired figures."""
    table = _table("scores", "A", "B", "B - A", "95 % interval", "persons", "shows", left=("shows",))
    for one in figures:
        style = STYLES.get(one.change, "")
        shows = escaped(shown_change(one))
        table.add_row(*figure_cells(one), f"[{style}]{shows}[/]" if style else shows)
    return table


def figure_cells(one: PairedFigure) -> tuple[str, ...]:
    """Return the cells of a figure: name, A, B, difference and its interval (an hour, for counts), persons."""
    words = one.name.replace("_", " ")
    if one.hours is not None:
        a, b = (NONE if value is None else f"{value:.0f}" for value in (one.a, one.b))
        return f"{words} (B - A an hour)", a, b, *_interval(one, "{:+.1f}"), str(one.persons)
    percent = one.name in PERCENT
    a, b = (_value(value, percent) for value in (one.a, one.b))
    if one.counts is not None:
        a, b = (f"{text} ({n}/{of})" if of else text for text, (n, of) in zip((a, b), one.counts, strict=True))
    return words, a, b, *_interval(one, "{:+.2%}" if percent else "{:+.3f}"), str(one.persons)


def _interval(one: PairedFigure, form: str) -> tuple[str, str]:
    difference = one.difference
    if difference.value is None:
        return NONE, NONE
    if difference.low is None or difference.high is None:
        return form.format(difference.value), "one person: none"
    return form.format(difference.value), f"{form.format(difference.low)} to {form.format(difference.high)}"


def _value(value: float | None, percent: bool) -> str:
    return NONE if value is None else f"{value:.2%}" if percent else f"{value:.3f}"


def shown_change(one: PairedFigure) -> str:
    """Return what a figure shows, in words. A rate without any change says which change the clips exclude."""
    if one.excluded is not None:
        return f"{one.change} (above {one.excluded:.0f} an hour: excluded)"
    return one.change


def scored_clips(pairs: Sequence[ScorePair]) -> Table:
    """Return the table of the scores of single clips."""
    table = _table("scores by clip", "person", "frame F1 A", "B", "event F1 A", "B", "in time A", "B", "false A", "B")
    for (a, b), shared in zip(pairs[:MOST_ROWS], common_rules(pairs[:MOST_ROWS]), strict=True):
        cells = [_value(side.ratio(name), False) for name in ("frame_f1", "event_f1") for side in (a, b)]
        cells += [f"{side.in_time}/{side.due}" for side in map(alert_sums, shared)]
        cells += [str(alert_sums(side).false) for side in (a, b)]
        table.add_row(escaped(b.clip), escaped(b.person), *cells)
    if len(pairs) > MOST_ROWS:
        table.add_row(f"and {len(pairs) - MOST_ROWS} more: --json", *[""] * 9)
    return table


def _clips(found: RunComparison) -> Table:
    table = _table("clips that differ most", "alerts", "attention s", "eyes s", "gaze s", "at", left=("at",))
    for pair in found.different[:MOST_ROWS]:
        seconds = [f"{pair.signals[name].seconds:.1f}" for name in ("attention", "eyes.state", "gaze.zone")]
        table.add_row(escaped(pair.name), str(len(pair.alerts)), *seconds, escaped(", ".join(moments(pair))))
    if len(found.different) > MOST_ROWS:
        table.add_row(f"and {len(found.different) - MOST_ROWS} more: --json or --html", *[""] * 5)
    return table


def moments(pair: PairDifference, most: int = 3) -> list[str]:
    """Return when the two runs of a clip differ: alerts first, else the longest stretch of each field."""
    alerts = sorted(pair.alerts, key=lambda one: one.meaning not in WORSE)
    found = [f"{one.alert.episode.t:.2f} s {one.alert.episode.rule}" for one in alerts]
    if not found:
        stretches = [(name, signal.longest) for name, signal in pair.signals.items()]
        found = [f"{one.start:.2f} s {name}" for name, one in stretches if one is not None]
    return [*found[:most], *(["..."] if len(found) > most else []), *pair.notes]


def notes(found: RunComparison) -> Iterator[str]:
    """Yield how alerts were paired, and what the words of the scores mean."""
    if found.alerts:
        yield (
            f"Alerts of one rule are paired one to one, at most 2 s apart; moved: by more than {found.moved_s:g} s. "
            "What is left is paired by time alone (other rule)."
        )
    if found.figures:
        persons = len({one.scores[0].person for one in found.labelled if one.scores})
        yield (
            f"Scores of {len(found.labelled)} labelled clips of {persons} persons. 95 % intervals: bootstrap over "
            "persons, the same draws for A and B; counts also need an exact sign test over persons. Excluded: a change "
            "that these hours exclude at 95 %."
        )
        yield from rule_notes([one.scores for one in found.labelled if one.scores])
        for change in dict.fromkeys(one.change for one in found.figures):
            yield f"  {change}: {CHANGES[change]}"


def rule_notes(pairs: Sequence[ScorePair]) -> Iterator[str]:
    """Yield which rules only one side scores, if any: alerts in time leave them out."""
    for side, names in zip("AB", rules_of_one(pairs), strict=True):
        if names:
            yield f"Only {side} scores {', '.join(names)}: alerts in time are of the rules that both score."


def next_commands(found: RunComparison, program: str) -> Iterator[str]:
    """Yield commands that show the clip that differs most."""
    first = found.different[0]
    sides: list[Path] = list(dict.fromkeys((first.a, first.b)))
    yield f"next: {program} report {shlex.join(map(str, sides))}"
    for side in sides if first.alerts else ():
        yield f"      {program} explain {shlex.quote(str(side / EVENTS))}"

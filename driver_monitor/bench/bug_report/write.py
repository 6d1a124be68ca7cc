"""Writes a bug report: collects the files, replays what it holds to see whether the alerts come again, packs them."""

from __future__ import annotations

import gzip
import io
import json
import math
import shlex
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from driver_monitor import PROGRAM, demo
from driver_monitor.app import build
from driver_monitor.app.build import Plan, Request, load_plan
from driver_monitor.bench.bug_report import without_names
from driver_monitor.bench.bug_report.archive import pack
from driver_monitor.bench.bug_report.readme import CONTENTS, readme
from driver_monitor.bench.bug_report.versions import versions
from driver_monitor.bench.explain import explain
from driver_monitor.bench.replays.job import ReplayJob
from driver_monitor.bench.replays.replay import replay
from driver_monitor.bench.replays.writers import to_line
from driver_monitor.bench.runs.read_run import Run, read_run
from driver_monitor.bench.runs.run_folder import EVENTS, RUN, SIGNALS, clip_id
from driver_monitor.errors import OutputError, RunError, UsageError
from driver_monitor.messages import trace, trace_reader

Alerts = Sequence[Mapping[str, Any]]
HALF_MS = 5e-4
"""Times in alerts and signals have three decimals."""


@dataclass(frozen=True, slots=True)
class BugReport:
    """What a report holds. `files`: name -> bytes before packing. `first`, `last`: its time, seconds.

    `left_out`: keys of the configuration without their values. `alerts`: number in its time, and up to its end.
    `differences`: how a replay of the report differs from the run; empty if it gives the same alerts.
    """

    path: Path
    files: Mapping[str, int]
    first: float
    last: float
    left_out: Sequence[str]
    alerts: tuple[int, int]
    differences: Sequence[str]


def write_bug_report(run: Run, plan: Plan, first: float | None, last: float | None, target: Path) -> BugReport:
    """Write a report on `first` to `last` seconds of `run` into the new file `target`; None: beginning and end.

    `plan`: configuration and profile of the run. Raises `RunError` if the run has no trace or is damaged, `UsageError`
    if the plan or the time is not that of the run, `OutputError` if `target` exists or cannot be written.
    """
    with _whole(run):
        begin, end = _period(run, first, last)
    _check_plan(run, plan)
    if run.trace is None:
        raise RunError(f"{run.folder}: this run has no trace; replay the clip again: {_with_trace(run)}")
    with _shown(target), tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as made:
        if target.exists():
            raise OutputError(f"{target}: exists; choose another file with --out")
        folder = Path(made) / "report"
        folder.mkdir()
        with _whole(run):
            alerts, left_out, differences = _collect(run, run.trace, plan, begin, end, folder)
        paths = [folder / name for name in CONTENTS]
        packed = Path(made) / "packed"
        pack(paths, packed)
        packed.rename(target)
        files = {path.name: path.stat().st_size for path in paths}
    return BugReport(target, files, begin, end, left_out, alerts, differences)


def _period(run: Run, first: float | None, last: float | None) -> tuple[float, float]:
    length = float(run.info["seconds"])
    if not math.isfinite(length):
        raise ValueError("seconds: not a finite number")
    begin, end = first or 0.0, length if last is None else min(last, length)
    if begin > length:
        raise UsageError(f"{run.folder}: --from {begin:g}: this run ends at {length:.2f} s; give an earlier time")
    if end < begin:
        raise UsageError(f"{run.folder}: --to {end:g} is before --from {begin:g}; exchange the two")
    return begin, end


def _check_plan(run: Run, plan: Plan) -> None:
    own = build.provenance(plan, "")
    if run.info.get("config") != own.config:
        raise UsageError(
            f"{run.folder}: made with another configuration or profile ({run.info.get('profile')}); give the --config, "
            "--profile and --track of that replay, or replay the clip again"
        )


def _with_trace(run: Run) -> str:
    """Return the command that makes the run again, with a trace. run.json has no path of the clip, only its name."""
    clip = "demo" if run.info.get("clip_id") == clip_id(demo.CLIP) else str(run.info["clip"])
    return shlex.join([PROGRAM, "replay", clip, "--trace", "--out", str(run.folder.parent)])


def _collect(
    run: Run, recorded: Path, plan: Plan, begin: float, end: float, folder: Path
) -> tuple[tuple[int, int], list[str], list[str]]:
    """Write all files into `folder`. Return the numbers of alerts, the keys left out, and the differences."""
    config, left_out = without_names.plain_config(plan.config)
    _write_yaml(folder / "config.yaml", config)
    _write_yaml(folder / without_names.PROFILE, without_names.plain_profile(plan.profile))
    if not _cut_trace(recorded, folder / trace.NAME, end, run.info["frames"]):
        raise RunError(f"{recorded}: has fewer frames than its run; replay the clip again")
    public = load_plan(Request(folder / "config.yaml", profile=str(folder / without_names.PROFILE)))
    # The receiver's profile is the file beside the configuration, by its name.
    named = public.config.model_copy(update={"profile": without_names.PROFILE})
    origin = build.provenance(Plan(named, public.profile, public.profile_text), "")
    alerts = [
        without_names.plain_alert(alert, origin.vehicle, origin.config)
        for alert in run.alerts()
        if alert["t"] <= end + HALF_MS
    ]
    _write_lines(folder / EVENTS, alerts)
    shown = _in_time(alerts, begin)
    (folder / "explanation.txt").write_text(_explanation(shown, folder), encoding="utf-8")
    lines = (line for line in run.lines() if begin - HALF_MS <= line["t"] <= end + HALF_MS)
    _write_lines(folder / SIGNALS, lines)
    _write_json(folder / RUN, without_names.plain_run(run.info))
    _write_json(folder / "versions.json", versions())
    differences = _differences(alerts, _replayed(folder, Plan(named, public.profile, public.profile_text)))
    text = readme(begin, end, left_out, len(alerts), differences)
    (folder / "README.txt").write_text(text, encoding="utf-8")
    return (len(shown), len(alerts)), left_out, differences


def _cut_trace(source: Path, target: Path, end: float, frames: int) -> bool:
    """Copy a trace up to the time `end`, seconds. Return whether it is whole: up to there, or with all `frames`.

    It begins with the first frame: what was learned there decides later. With the 20 s before it, the demo's alert
    about drowsiness is not raised again.
    """
    copied = 0
    header, observations = trace_reader.read(source)
    with (
        target.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
        io.TextIOWrapper(packed, "utf-8") as file,
    ):
        file.write(trace.line(header.to_json()))
        for number, seen in observations:
            if seen.t > end + HALF_MS:
                return True
            file.write(trace.line(trace.encode(number, seen)))
            copied += 1
    return copied >= frames


def _in_time(alerts: Alerts, begin: float) -> list[Mapping[str, Any]]:
    """Return the alerts of all episodes that are active at `begin` or later."""
    over = {alert["episode"] for alert in alerts if alert["phase"] == "cleared" and alert["t"] < begin - HALF_MS}
    return [alert for alert in alerts if alert["episode"] not in over]


def _explanation(alerts: Alerts, folder: Path) -> str:
    if not alerts:
        return "No alert was active in this time.\n"
    part = folder / "part.jsonl"
    _write_lines(part, alerts)
    text = explain(part)
    part.unlink()
    return f"{text}\n"


def _replayed(folder: Path, plan: Plan) -> Alerts:
    again = folder.parent / "again"
    replay(ReplayJob(folder / trace.NAME, again), plan)
    return read_run(again).alerts()


def _differences(alerts: Alerts, again: Alerts) -> list[str]:
    """Return a line for each alert that is in one of the two only."""
    before, after = [to_line(alert) for alert in alerts], [to_line(alert) for alert in again]
    lost = [f"missing: {_short(alert)}" for alert, line in zip(alerts, before, strict=True) if line not in after]
    new = [f"new: {_short(alert)}" for alert, line in zip(again, after, strict=True) if line not in before]
    return lost + new


def _short(alert: Mapping[str, Any]) -> str:
    return f"{alert['t']:.2f} s {alert['rule']} {alert['phase']}"


def _write_yaml(path: Path, values: Mapping[str, Any]) -> None:
    path.write_text(yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True), encoding="utf-8")


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _write_lines(path: Path, messages: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(map(to_line, messages))


@contextmanager
def _whole(run: Run) -> Iterator[None]:
    try:
        yield
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        raise RunError(f"{run.folder}: its files were changed after the replay; replay the clip again") from error


@contextmanager
def _shown(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: cannot write: {error.strerror}; choose another file with --out") from error

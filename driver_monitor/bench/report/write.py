"""Makes the reports of runs and the index of many, and writes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from driver_monitor.bench.html.write_page import write_page
from driver_monitor.bench.labelled.label_files import ClipLabelFile
from driver_monitor.bench.report.columns import read_columns
from driver_monitor.bench.report.episodes import read_episodes
from driver_monitor.bench.report.index_page import INDEX, TITLE, IndexRow, index_page
from driver_monitor.bench.report.labelled import LabelSpan, spans
from driver_monitor.bench.report.run_page import Pictures, ReportContent, Verdicts, run_page
from driver_monitor.bench.report.summary import summarize
from driver_monitor.bench.report.track import track_of_columns
from driver_monitor.bench.runs.read_run import Run
from driver_monitor.bench.runs.run_folder import REPORT
from driver_monitor.bench.runs.scored_rules import rules_of
from driver_monitor.bench.score.alerts import verdicts_of
from driver_monitor.bench.score.clip import ClipScore
from driver_monitor.bench.score.run_track import score_run
from driver_monitor.disk.regular_file import read_regular
from driver_monitor.errors import LabelError, OutputError, RunError


def read_content(run: Run, labels: ClipLabelFile | None, pictures: Pictures | None = None) -> ReportContent:
    """Read what the page of a run shows. Its rules are scored as run.json has them.

    Labels that do not fit are left out, and the page says why. Raises `RunError`.
    """
    columns, (episodes, raised) = read_columns(run), read_episodes(run)
    shown: list[LabelSpan] | None = None
    score: ClipScore | None = None
    verdicts: Verdicts | None = None
    note = ""
    if labels is not None:
        try:
            shown = spans(columns, labels.labels)
            track = track_of_columns(run, columns, raised)
            score = score_run(run, labels.file, labels.labels, track)
            verdicts = verdicts_of(labels.labels, track, rules_of(run))
        except LabelError as error:
            shown, note = None, f"Without labels: {error}"
        except RunError as error:
            note = f"Not scored: {error}"
    return ReportContent(run, columns, episodes, shown, score, pictures, note, verdicts)


def write_run_page(content: ReportContent, folder: Path) -> Path:
    """Write report.html into `folder`. Return its path. Raises `UsageError`: no plotly; `OutputError`."""
    path = folder / REPORT
    # A part that a killed process leaves must not lie among the files of a run.
    write_page(path, run_page(content), folder.parent)
    return path


def write_index(rows: Sequence[IndexRow], folder: Path) -> Path:
    """Write index.html into `folder`. Return its path. Raises `OutputError`, also if another page is there."""
    path = folder / INDEX
    if path.exists() and f"{TITLE}</title>" not in _begin(path):
        raise OutputError(f"{path}: is not an index of runs; rename it, or keep the runs in a folder of their own")
    write_page(path, index_page(rows))
    return path


def index_row(content: ReportContent, link: str) -> IndexRow:
    """Return the row of a run in the index. `link`: to its report."""
    return IndexRow(content.run.name, link, summarize(content.columns, content.episodes), content.score, content.note)


def _begin(path: Path) -> str:
    try:
        return read_regular(path, 2000).decode("utf-8", "replace")
    except OSError:
        return ""

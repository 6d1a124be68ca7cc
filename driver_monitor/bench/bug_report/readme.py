"""The README.txt of a bug report (pure): what is in it, and how to replay it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from driver_monitor import PROGRAM
from driver_monitor.messages import trace

CONTENTS = {
    "README.txt": "this text",
    trace.NAME: "what was seen in each frame from the first one to the end of the report. No picture",
    "config.yaml": "the configuration, without names, addresses and paths",
    "profile.yaml": "the rules that judged it",
    "run.json": "how the clip was replayed, without its name",
    "versions.json": "versions of program and packages, system and board",
    "events.jsonl": "all alerts up to the end of the report",
    "explanation.txt": "why there were alerts in the time of the report",
    "signals.jsonl": "what the program made of each frame in the time of the report",
}
"""The files of a report in their order, and what each one holds."""


def readme(first: float, last: float, left_out: Sequence[str], alerts: int, differences: Sequence[str]) -> str:
    """Return the text. `first`, `last`: time of the report, seconds. `left_out`: keys without their values.

    `alerts`: number of those in events.jsonl. `differences`: how a replay of the trace differs from them.
    """
    width = max(map(len, CONTENTS))
    lines = [
        f"A bug report of {PROGRAM}, about {first:.2f} s to {last:.2f} s of a recording.",
        "",
        *(f"{name:{width}}  {text}" for name, text in CONTENTS.items()),
        "",
        "The trace begins with the first frame: only then are all that was learned before, and so the alerts, the",
        "same. It holds no picture, but the outline of a face in 70 points. That is data about a person: pass it on",
        "only to those who work on the fault, and delete it afterwards.",
        "",
        f"Left out of the configuration: {', '.join(left_out) or 'nothing'}. The texts of rules are as their author",
        "wrote them.",
        "",
        "To replay it, unpack the archive, and in the folder of this text run",
        "",
        f"    {PROGRAM} replay {trace.NAME} --config config.yaml --out again",
        "",
        *_comparison(alerts, differences),
        "",
    ]
    return "\n".join(lines)


def _comparison(alerts: int, differences: Sequence[str]) -> list[str]:
    if differences:
        return ["When the report was made, this gave other alerts than events.jsonl:", *map("- {}".format, differences)]
    count = "1 alert" if alerts == 1 else f"{alerts} alerts"
    return [f"When the report was made, this gave the {count} of events.jsonl again, byte for byte."]


def sizes(files: Mapping[str, int]) -> list[str]:
    """Return a line for each file: name, size in kB, what it holds. `files`: name -> bytes."""
    width = max(map(len, files))
    return [f"  {name:{width}}  {size / 1000:8.1f} kB  {CONTENTS[name]}" for name, size in files.items()]

"""Shows the result of `bench` as text: a short table, and one sentence that answers the question."""

from __future__ import annotations

from typing import Any

from driver_monitor.bench.speed.computer import is_busy
from driver_monitor.board.fewer_frames import LEAST_HZ

FULL = 0.9
"""Share of the time of a frame from which frames are dropped now and then (ours; `doctor` uses the same): some frames
take longer than the mean."""
COLUMNS = ("mean", "p50", "p90", "p99", "max")


def sentences(result: dict[str, Any]) -> str:
    """Return the result as lines of text."""
    clip, cpu, versions = result["clip"], result["cpu"], result["versions"]
    rate = "unknown frame rate" if clip["frame_rate"] is None else f"{clip['frame_rate']:g} frames a second"
    board = result["board"]["name"] or f"{cpu['name'] or 'unknown processor'}, {cpu['machine']}"
    clip_line = f"{clip['name']}: {clip['width']}x{clip['height']}, {rate}; {result['frames']} frames"
    libraries = f"onnxruntime {versions['onnxruntime']}, opencv {versions['opencv']}"
    lines = [
        f"{clip_line}, {result['repeats']} times each",
        f"{board}, {cpu['cores']} cores; {result['program']} {result['version']}, {libraries}",
        "",
        f"{'ms a frame':<12}" + "".join(f"{name:>9}" for name in (*COLUMNS, "CPU", "share")),
        *(_row(stage["name"], stage, f"{stage['share']:.1%}") for stage in result["stages"]),
        _row("whole frame", result["loop"], ""),
        "",
        *_nets(result),
        _start(result["start_s"]),
        _memory(result["memory"]),
        f"stopwatches: they slow a frame down by {result['overhead']:.1%}; the whole frame is without them",
        *(f"warning: {text}" for text in result["warnings"]),
        "",
        verdict(result),
    ]
    return "\n".join(lines)


def _row(name: str, stage: dict[str, Any], share: str) -> str:
    cells = [*(stage["ms"][column] for column in COLUMNS), stage["cpu_ms"]]
    return f"{name:<12}" + "".join(f"{cell:>9.2f}" for cell in cells) + f"{share:>9}"


def _nets(result: dict[str, Any]) -> list[str]:
    nets = result["nets"]
    lines = []
    if nets["ratio"] is not None:
        lines.append(
            f"bare nets: {nets['cpu_ms']:.2f} ms CPU a frame; all from detector to other takes {nets['ratio']:.2f} "
            f"times that (80 % of the blocks: {nets['low']:.2f} to {nets['high']:.2f})"
        )
    for net in result["models"]:
        other = "fp32" if net["precision"] == "int8" else "int8"
        took = "did not run" if net["ms"] is None else f"{net['ms']:.2f} ms a run, {net['runs']:.2f} runs a frame"
        if net["twin_ms"] is None or net["ms"] is None:
            beside = f"{net['precision']} only"
        else:
            beside = f"{net['precision']}; {other}: {net['twin_ms']:.2f} ms, {net['twin_ms'] / net['ms']:.2f} times"
        lines.append(f"  {net['name']:<11} {took}, {net['kb']} kB, {beside}")
    return lines


def _start(start: dict[str, float]) -> str:
    return (
        f"start: {start['total']:.2f} s to the first frame (imports {start['imports']:.2f}, models "
        f"{start['models']:.2f}, first frame {start['first_frame']:.2f})"
    )


def _memory(memory: dict[str, Any]) -> str:
    rss = {name: "unknown" if value is None else f"{value:.0f}" for name, value in memory["rss_mb"].items()}
    nets = ", ".join(f"{net['name']} {net['mb']:.0f}" for net in memory["models"])
    return (
        f"memory in MB: Python {rss['start']}, after imports {rss['imports']}, with the models {rss['models']} "
        f"({nets}), at most {rss['peak']}"
    )


def verdict(result: dict[str, Any]) -> str:
    """Return one sentence: whether this computer is fast enough, and by how much."""
    fps, factor = result["fps"], result["real_time_factor"]
    possible, wanted = fps["possible"], fps["wanted"]
    if wanted is None:
        return f"This computer processes {possible:.0f} frames a second; give the rate of the camera with --fps."
    found = f"this computer processes {possible:.0f} frames a second, {factor:.1f} times the {wanted:g} that are wanted"
    if factor * FULL >= 1:
        late = f"; {result['late']:.1%} of the frames take longer than 1/{wanted:g} s" if result["late"] else ""
        return f"Fast enough: {found}, and needs {result['core_share']:.0%} of one core{late}."
    if is_busy(result["cpu"]) and fps["by_cpu"] * FULL >= wanted:
        alone = f"by its processor time alone it would be {fps['by_cpu']:.0f}"
        return f"Not known: {found}, while other programs ran; {alone}. End them and measure again."
    if possible * FULL >= LEAST_HZ:
        enough = f"set camera.fps to {int(possible * FULL)}, which is enough for every alert"
        return f"Too slow for {wanted:g}: {found}; {enough}."
    smaller = "use a faster computer, or smaller pictures (camera.width, camera.height)"
    return f"Too slow: {found}, and every alert needs {LEAST_HZ:g}; {smaller}."

"""Every command and every snippet of the documents works as it is written there."""

from __future__ import annotations

import json
import logging
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from driver_monitor.bench.video.writer import NOTICE
from driver_monitor.config.schema import ZmqConfig
from driver_monitor.fleet.enrol.depot import make_depot, open_depot
from driver_monitor.outputs.zmq_publisher import ZmqPublisher
from tests.conftest import PROGRAM, Cli, demo_frames, write_clip
from tests.test_cli_score import nap_labels

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "systemd/README.md"]
PAGES += sorted((ROOT / "docs").glob("*.md"))
NAP = (165, 215)
"""Frames of the demo: two and a half seconds in which the eyes fall shut, so that a replay has an alert to explain."""
BY_HAND = {
    "sudo": "needs root: installs packages",
    "apt-get": "needs root: installs packages",
    "python3": "makes an environment in /opt: needs root",
    "/opt/driver-monitor/bin/pip": "installs into /opt: needs root",
    "pip": "installs an extra",
    "env/bin/pip": "installs the whole program again; tools.system.newcomer runs it",
    "pipx": "installs the whole program again; tools.system.newcomer runs it",
    ".": "changes the PATH of a terminal",
    "umask": "a setting of the shell, without which a strict root installs files that the service cannot read",
    "ln": "needs root: puts the program on the PATH",
    "install": "needs root: copies files into /etc",
    "systemd-sysusers": "needs root: makes a user",
    "udevadm": "needs root: reads the rules for the pins again",
    "dpkg": "asks for the processor of the computer in the car",
    "systemctl": "needs root and an installed service",
    "journalctl": "needs an installed service",
    "systemd-analyze": "checks the unit; tests/test_systemd.py runs it",
    "python": "a tool that reads data outside the repository",
}
"""Programs that no test runs as the documents call them, and why. What they name must exist."""
NEED_A_BROKER = ("collect", "schema", "simulate", "watch", "report", "acknowledge")
"""Verbs of `fleet` that need a broker or a store. tests/fleet runs them; here their options must exist."""
NEED_A_CAR = ("aim", "cameras", "doctor", "label")
"""Verbs that look at a camera, a car or an installation, or wait for a person. Tests of their own run them."""
OURS = (
    "driver-monitor",
    ".venv/bin/driver-monitor",
    "env/bin/driver-monitor",
    "/opt/driver-monitor/bin/driver-monitor",
)
ELSEWHERE = {
    "../shared/data/clips": "CLIPS",
    "../shared/data/labels": "LABELS",
    "/etc/driver-monitor/config.yaml": "my.yaml",
    "demo": "trip.mp4",
}
"""What stands in for data that is not in the repository, for the installed service, and for the 44 s of the demo."""
MAKES = {
    "demo": ".venv/bin/driver-monitor run --source demo",
    "test": ".venv/bin/pytest --numprocesses auto --maxprocesses 4 --dist worksteal",
}
"""What the two targets of the README end with. The CI runs them."""
TOO_FEW = "too slow to judge closures"
"""The warning about each tenth frame of the demo, which is scored instead of all 880 frames."""
PATIENCE_S = 60.0
"""Longest wait for a program; only a failure takes so long."""


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a page in one language."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```$", page.read_text(), re.DOTALL | re.MULTILINE)
    return [block for _, block in found]


def commands(page: Path) -> list[str]:
    """The commands of a page: every line of its shell blocks, and inline code that starts with a known program."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    found = [part for line in lines for part in line.split("&&")]
    prose = re.sub(r"(?ms)^ *```.*?^ *```$", "", page.read_text())
    inline = [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose)]
    found += [code for code in inline if " " in code and code.split()[0] in (*OURS, *BY_HAND, "make")]
    return list(dict.fromkeys(shlex.join(words) for code in found if (words := shlex.split(code, comments=True))))


IN_ORDER = ROOT / "docs/bench.md"
"""A page whose commands need each other. tests/test_bench_page.py runs them in their order."""
FOUND = list(dict.fromkeys(command for page in PAGES if page != IN_ORDER for command in commands(page)))


def of(*programs: str) -> list[str]:
    """Return the commands of these programs. One with a <placeholder> cannot be run as it is printed."""
    return [command for command in FOUND if shlex.split(command)[0] in programs and not {"<", "{"} & set(command)]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, short_clip: Path, still: Path) -> Path:
    """A folder with all files that the documents name."""
    folder = tmp_path_factory.mktemp("documents")
    write_clip(folder / "trip.mp4", demo_frames(*NAP))
    for name in ("trips", "CLIPS"):
        (folder / name).mkdir()
        shutil.copy(short_clip, folder / name / "nap.mp4")
    for name in ("labels", "LABELS"):
        (folder / name).mkdir()
        (folder / name / "nap.json").write_text(json.dumps(nap_labels()))
    (folder / "pictures").mkdir()
    picture = cv2.imread(str(still))
    assert picture is not None
    for path in ("face.jpg", "pictures/1.jpg", "pictures/2.jpg", "pictures/3.jpg"):
        assert cv2.imwrite(str(folder / path), picture)
    grey = np.random.default_rng(0).integers(0, 255, (8, 48, 48), dtype=np.uint8)
    arrays: dict[str, Any] = {"images": grey, "closed": np.arange(8, dtype=np.uint8) % 2, "label": np.arange(8)}
    for name in ("eyes.npz", "faces.npz", "FILE.npz"):
        np.savez(folder / name, **arrays)
    (folder / "vans.txt").write_text("".join(f"van-{number}\n" for number in range(1, 11)))
    now = datetime.now(timezone.utc).replace(microsecond=0)
    make_depot(folder / "depot", now, None)
    with open_depot(folder / "depot", str, now) as depot:
        depot.enrol(["van-1", "van-2", "van-3"], ["broker.example"], 730)
    (folder / "my.yaml").write_text(blocks(README, "yaml")[0])
    (folder / "ours.yaml").write_text(blocks(ROOT / "docs/rules.md", "yaml")[0])
    (folder / "try.yaml").write_text("zmq: {bind: 'tcp://127.0.0.1:*'}\ngpio: {backend: mock}\n")
    return folder


@pytest.fixture
def desk(prepared: Path, command: Cli, tmp_path: Path) -> Path:
    """The same files in the working folder of `command`."""
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    return tmp_path


def arguments(code: str) -> list[str]:
    """The arguments of a command of ours, with the stand-ins, and with patterns replaced by the files."""
    words = [ELSEWHERE.get(word, word) for word in shlex.split(code)[1:]]
    if words[:3] == ["score", "clips", "trip.mp4"]:
        words[2:] = ["demo", "--every", "10"]  # with its own labels, which a part of it does not have
    if words[0] == "sweep":  # `--labels demo` are those of the bundled clip; its stand-in has others
        words = ["labels" if word == ELSEWHERE["demo"] else word for word in words]
    if words[:2] == ["config", "check"] and "--profile" in words:
        words = ["ours.yaml" if word == "my.yaml" else word for word in words]
    return [name for word in words for name in (sorted(map(str, Path().glob(word))) if "*" in word else [word])]


@pytest.fixture
def publisher() -> Iterator[ZmqPublisher]:
    """A publisher with the alert that docs/use.md shows; a late subscriber gets it as well."""
    output = ZmqPublisher(ZmqConfig(bind="tcp://127.0.0.1:*"))
    output.alert(json.loads(blocks(ROOT / "docs/use.md", "json")[0]))
    yield output
    output.close()


@pytest.fixture
def daemon_log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What `run` logs; it replaces the handlers of the root logger, and its own writes in the background."""
    logger = logging.getLogger("driver_monitor.app.run")
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


def first_line(program: list[str], wanted: str, folder: Path) -> str:
    """Start a program that runs until it is interrupted; return its first line with `wanted` in it."""
    started = subprocess.Popen(program, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with started as process:
        assert process.stdout is not None
        try:
            return next((line for line in process.stdout if wanted in line), "")
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.communicate(timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()


JUDGES_THE_MACHINE = ("cameras", "doctor")
"""Commands that end with 1 on a machine without a camera."""


@pytest.mark.parametrize("code", [code for code in of(*OURS) if shlex.split(code)[1] in JUDGES_THE_MACHINE])
def test_ok__a_command_that_judges_the_machine_answers(code: str, command: Cli, desk: Path) -> None:
    outcome = command(*arguments(code))
    assert outcome.code in (0, 1)
    assert outcome.lines == []
    assert outcome.out


def needs_a_broker(code: str) -> bool:
    words = shlex.split(code)
    return words[1] == "fleet" and words[2] in NEED_A_BROKER


@pytest.mark.parametrize("code", [code for code in of(*OURS) if needs_a_broker(code)])
def test_ok__a_command_of_the_fleet_has_the_options_that_the_documents_give_it(code: str, command: Cli) -> None:
    _, _, verb, *words = shlex.split(code)
    shown = command("fleet", verb, "--help")
    assert shown.code == 0
    for option in (word.partition("=")[0] for word in words if word.startswith("--")):
        assert f"{option} " in shown.out, option


@pytest.mark.parametrize(
    "code",
    [
        code
        for code in of(*OURS)
        if shlex.split(code)[1] not in ("run", "watch", *NEED_A_CAR) and not needs_a_broker(code)
    ],
)
def test_ok__a_command_of_the_documents_succeeds(code: str, command: Cli, desk: Path) -> None:
    if "sweep" in code and "--paths" not in code:
        assert command("replay", "trips", "--out", "results", "--trace").code == 0
    for made_before in ("explain", "results/", "table results"):
        if made_before in code and "--out results" not in code:
            assert command("replay", "trip.mp4", "--out", "results", "--trace").code == 0
            break
    outcome = command(*arguments(code))
    said = [NOTICE] if "--video" in code else []
    assert (outcome.code, [line for line in outcome.lines if TOO_FEW not in line]) == (0, said), outcome.err
    assert outcome.out


@pytest.mark.parametrize("code", [code for code in of(*OURS) if shlex.split(code)[1] == "run"])
def test_ok__the_daemon_runs_as_the_documents_start_it(
    code: str, command: Cli, desk: Path, daemon_log: pytest.LogCaptureFixture
) -> None:
    source = [] if "--source" in code else ["--source", "trip.mp4"]
    outcome = command(*arguments(code), *source, "--config", "try.yaml")
    assert outcome.code == 0, outcome.err
    # A busy machine drops frames, so which alerts come in two seconds is not asked here.
    assert re.search(r"stopped: [1-9]\d* frames processed", daemon_log.text)
    assert (desk / "mine.trace.jsonl.gz").exists() == ("--trace" in code)


@pytest.mark.parametrize(
    "code",
    # With a key it needs another vehicle: tests/outputs/curve/test_watch.py.
    [code for code in of(*OURS) if shlex.split(code)[1] == "watch" and "--key" not in code],
)
def test_ok__watch_prints_what_a_daemon_publishes(code: str, publisher: ZmqPublisher, tmp_path: Path) -> None:
    words = shlex.split(code)[1:]
    assert words[1:] in ([], ["--connect", "tcp://127.0.0.1:5556"])
    program = [*PROGRAM, "watch", "--connect", publisher.endpoint]
    assert "Eyes closed for 1.0 s" in first_line(program, "microsleep", tmp_path)


@pytest.mark.parametrize("code", [code for code in of(*OURS) if shlex.split(code)[1] == "aim"])
def test_ok__the_aiming_page_starts_as_the_documents_start_it(code: str, tmp_path: Path) -> None:
    pytest.importorskip("uvicorn", reason="uvicorn is not installed (extra aim)")
    words = ["127.0.0.1" if word.startswith("192.168.") else word for word in shlex.split(code)[1:]]
    source = [] if "--source" in words else ["--source", "demo"]
    assert "http://127.0.0.1:" in first_line([*PROGRAM, *words, *source], "Open this page", tmp_path)


@pytest.mark.parametrize("code", [code for code in of(*OURS) if shlex.split(code)[1] == "label"])
def test_ok__the_label_page_starts_as_the_documents_start_it(code: str, desk: Path) -> None:
    pytest.importorskip("uvicorn", reason="uvicorn is not installed (extra label)")
    words = shlex.split(code)[1:]
    if "--run" in words:
        assert subprocess.run([*PROGRAM, "replay", "trip.mp4"], cwd=desk, capture_output=True, check=False).returncode == 0
    assert "http://127.0.0.1:" in first_line([*PROGRAM, *words], "Open this page", desk)


def test_ok__the_subscriber_of_the_readme_prints_an_alert(publisher: ZmqPublisher, tmp_path: Path) -> None:
    (snippet,) = blocks(README, "python")
    assert "tcp://127.0.0.1:5556" in snippet
    code = snippet.replace("tcp://127.0.0.1:5556", publisher.endpoint)
    line = first_line([sys.executable, "-u", "-c", code], "microsleep", tmp_path)
    assert line == "warning raised microsleep Eyes closed for 1.0 s\n"


@pytest.mark.parametrize("code", of("make"))
def test_ok__make_knows_the_target(code: str) -> None:
    target = shlex.split(code)[1]
    # `make test` runs this test: its own settings must not reach the inner `make`.
    own = ("MAKE", "MFLAGS", "PYTEST_FLAGS")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    program = ["make", "--no-print-directory", "--dry-run", target]
    shown = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    last = shown.stdout.splitlines()[-1].strip()
    assert last == MAKES.get(target, last)


def test_ok__make_demo_runs_a_command_that_is_tested(
    command: Cli, desk: Path, daemon_log: pytest.LogCaptureFixture
) -> None:
    outcome = command(*arguments("driver-monitor run --source demo"), "--config", "try.yaml")
    assert outcome.code == 0, outcome.err
    assert re.search(r"stopped: [1-9]\d* frames processed", daemon_log.text)


@pytest.mark.parametrize("code", [code for code in FOUND if shlex.split(code)[0] not in (*OURS, "make")])
def test_ok__a_command_that_no_test_runs_is_listed_and_names_what_exists(code: str) -> None:
    program, *words = shlex.split(code)
    assert program in BY_HAND, f"{code}: run it in a test, or say in BY_HAND why not"
    if program == "install":
        assert (ROOT / words[-2]).is_file()
    if program == "python":
        module = words[1].replace(".", "/") if words[0] == "-m" else words[0].removesuffix(".py")
        assert any((ROOT / f"{module}{end}").is_file() for end in (".py", "/__main__.py"))
    if program in ("systemctl", "journalctl"):
        named = [word for word in words if word.startswith("driver-monitor")]
        assert named or words[-1] == "daemon-reload"
        assert all((ROOT / f"systemd/{name}.service").is_file() for name in named)
    for extra in re.findall(r"\[(\w+)\]", code):
        assert f"\n{extra} = [" in (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "yaml")], ids=lambda page: page.name)
def test_ok__yaml_of_the_documents_is_valid(page: Path, command: Cli, tmp_path: Path) -> None:
    for number, block in enumerate(blocks(page, "yaml")):
        loaded = yaml.safe_load(block)
        if "when" in loaded:  # one rule; `tests/test_architecture.py` runs it
            continue
        path = tmp_path / f"{number}.yaml"
        path.write_text(re.sub(r"(?m)^  ", "", block) if block.startswith("  ") else block)
        option = ["--profile"] if "rules" in loaded else []
        assert command("config", "check", *option, path).code == 0


def heading_anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"(?m)^#+ (.*)$", page.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_ok__every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        linked = page.parent / name if name else page
        assert linked.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in heading_anchors(linked), f"{page.name}: {target}"


def test_ok__the_readme_is_short_and_its_first_screen_has_the_demo() -> None:
    lines = README.read_text().splitlines()
    assert len(lines) <= 150
    demo, contents = (
        next(number for number, line in enumerate(lines) if text in line) for text in ("make demo", "## C")
    )
    assert demo < 25
    assert contents < 50


def test_ok__every_page_is_reached_from_the_readme() -> None:
    fleet = (ROOT / "docs/fleet.md").read_text()
    for page in (ROOT / "docs").glob("*.md"):
        assert f"docs/{page.name}" in README.read_text() or page.name in fleet, page.name

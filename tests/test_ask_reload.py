"""Whoever asks for a reload hears the outcome of that reload, and of no other one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from driver_monitor.app.process.ask_reload import main as ask_reload
from driver_monitor.app.process.systemd import OUTCOME, Notifier


@contextmanager
def on_hangup(handler: Callable[..., object] | signal.Handlers) -> Iterator[None]:
    """In the `with` block, this process is the daemon: `handler` is called for each request."""
    before = signal.signal(signal.SIGHUP, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def ask(folder: Path, patience_s: float = 30.0) -> int:
    return ask_reload([str(os.getpid())], {"RUNTIME_DIRECTORY": str(folder)}, patience_s)


@pytest.mark.parametrize("fault", [None, "my.yaml:1: camera: wrong"])
def test_ok__whoever_asks_for_a_reload_hears_its_outcome(
    tmp_path: Path, fault: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    notifier = Notifier({"RUNTIME_DIRECTORY": str(tmp_path)})
    notifier.reloading()
    notifier.reloaded("an earlier fault")
    asked: list[int] = []

    def reload(*_: object) -> None:
        asked.append(1)
        notifier.reloading()
        notifier.reloaded(fault)

    with on_hangup(reload):
        code = ask(tmp_path)
    assert asked == [1]
    assert (code, capsys.readouterr().err) == ((0, "") if fault is None else (1, f"reload: {fault}\n"))


@pytest.mark.parametrize(("earlier", "own"), [("the earlier file is wrong", None), (None, "the new file is wrong")])
def test_ok__a_reload_that_ran_already_is_no_answer(
    tmp_path: Path, earlier: str | None, own: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daemon still reads an earlier file when the request comes. It ends that reload, then it begins ours."""
    notifier = Notifier({"RUNTIME_DIRECTORY": str(tmp_path)})
    notifier.reloading()
    steps: Iterator[Callable[[], bool]] = iter(
        [lambda: notifier.reloaded(earlier), notifier.reloading, lambda: notifier.reloaded(own)]
    )
    monkeypatch.setattr(time, "sleep", lambda _: next(steps)())
    with on_hangup(signal.SIG_IGN):
        assert ask(tmp_path) == (0 if own is None else 1)
    assert next(steps, None) is None, "it waited for its own reload"


def test_ok__one_reload_answers_all_who_asked_before_it_began(tmp_path: Path) -> None:
    """The daemon takes two signals for one."""
    notifier = Notifier({"RUNTIME_DIRECTORY": str(tmp_path)})
    asked: list[int] = []
    with on_hangup(lambda *_: asked.append(1)), ThreadPoolExecutor(2) as both:
        answers = []
        for count in (1, 2):
            answers.append(both.submit(ask, tmp_path))
            while len(asked) < count:
                pass
        notifier.reloading()
        notifier.reloaded(None)
        assert [answer.result(30) for answer in answers] == [0, 0]


@pytest.mark.parametrize(
    "rubbish", [b"", b"null", b"[]", b"{", b"\xff", b'{"pid": 1, "began_ns": "soon"}', b"9" * 5000, b"[" * 90_000]
)
def test_fail__rubbish_in_the_file_is_no_answer(tmp_path: Path, rubbish: bytes) -> None:
    (tmp_path / OUTCOME).write_bytes(rubbish)
    with on_hangup(signal.SIG_IGN):
        assert ask(tmp_path, 0.0) == 1


def test_fail__a_pipe_in_place_of_the_file_delays_nobody(tmp_path: Path) -> None:
    """Neither the one who asks, nor the daemon that answers."""
    for name in (OUTCOME, f"{OUTCOME}.new"):
        os.mkfifo(tmp_path / name)
    with on_hangup(signal.SIG_IGN):
        assert ask(tmp_path, 0.0) == 1
    notifier = Notifier({"RUNTIME_DIRECTORY": str(tmp_path)})
    notifier.reloading()
    notifier.reloaded("wrong")
    assert json.loads((tmp_path / OUTCOME).read_text())["fault"] == "wrong"


def test_fail__an_outcome_that_cannot_be_written_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    notifier = Notifier({"RUNTIME_DIRECTORY": str(tmp_path / "gone")})
    notifier.reloading()
    notifier.reloaded(None)
    assert f"{OUTCOME}: cannot write it: No such file or directory" in caplog.text


def test_fail__the_answer_of_another_daemon_is_no_answer(tmp_path: Path) -> None:
    later = {"pid": os.getpid() + 1, "began_ns": time.monotonic_ns() + 10**12, "fault": None}
    (tmp_path / OUTCOME).write_text(json.dumps(later))
    with on_hangup(signal.SIG_IGN):
        assert ask(tmp_path, 0.0) == 1


@pytest.mark.parametrize("answers", [True, False])
def test_ok__a_daemon_that_ends_is_not_waited_for(
    tmp_path: Path, answers: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    ending = (
        "import os, signal; from driver_monitor.app.process.systemd import Notifier\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP}); os.write(1, b'ready')\n"
        "signal.sigwait({signal.SIGHUP})\n"
        f"notifier = Notifier(); notifier.reloading(); {answers} and notifier.reloaded(None)\n"
    )
    environment = {**os.environ, "RUNTIME_DIRECTORY": str(tmp_path)}
    with (
        subprocess.Popen([sys.executable, "-c", ending], env=environment, stdout=subprocess.PIPE) as daemon,
        ThreadPoolExecutor(1) as reaper,
    ):
        assert daemon.stdout is not None
        assert daemon.stdout.read(5) == b"ready"
        reaper.submit(daemon.wait)
        assert ask_reload([str(daemon.pid)], {"RUNTIME_DIRECTORY": str(tmp_path)}) == (0 if answers else 1)
    said = capsys.readouterr().err
    assert said == ("" if answers else "reload: the daemon ended before it answered; see its journal\n")


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        ([], {"RUNTIME_DIRECTORY": "/run/x"}, "use it in a unit"),
        (["-1"], {"RUNTIME_DIRECTORY": "/run/x"}, "use it in a unit"),
        (["1"], {}, "use it in a unit"),
        (["99999999999999999999"], {"RUNTIME_DIRECTORY": "/run/x"}, "is the service running?"),
    ],
)
def test_fail__a_reload_without_a_service(
    arguments: list[str], environment: dict[str, str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask_reload(arguments, environment) == 1
    assert said in capsys.readouterr().err


def test_fail__a_daemon_that_never_answers_fails_the_reload(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with on_hangup(signal.SIG_IGN):
        (tmp_path / OUTCOME).write_text(json.dumps({"pid": os.getpid(), "began_ns": 1, "fault": None}))
        assert ask(tmp_path, 0.1) == 1
    assert "has not answered for 0.1 s" in capsys.readouterr().err


def test_ok__asking_for_a_reload_imports_nothing_heavy() -> None:
    heavy = "{'cv2', 'numpy', 'yaml', 'zmq', 'rich'}"
    program = f"import sys, driver_monitor.app.process.ask_reload; print(*{heavy} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""

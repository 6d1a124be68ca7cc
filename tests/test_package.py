"""The Debian packages: what they are called, what is in them, what their scripts and texts say. Without pip."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from typer.main import get_command

from driver_monitor.cli.commands import app
from tools.package import build, control, tree
from tools.package.completion import completion
from tools.package.left_out import is_left_out
from tools.package.man_page import escaped, man_page
from tools.package.requirements import unmet
from tools.package.target import Target, debian_version, targets
from tools.package.verbs import Option, Verb, verbs
from tools.system import in_package, packages
from tools.system.answers import differences

DEBIAN = Path(build.__file__).parent / "debian"
BOOKWORM_PI = Target("3.11", "arm64")
JETSON = Target("3.10", "arm64")
DATE = datetime(2026, 11, 29, 10, tzinfo=timezone.utc)


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: the package is checked without it")
    return found


def wheel(folder: Path, name: str, version: str, *requirements: str, file: str = "") -> None:
    """An installed wheel, with one module."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", "License-Expression: MIT"]
    (info / "METADATA").write_text("\n".join([*lines, *(f"Requires-Dist: {each}" for each in requirements)]) + "\n")
    (info / "RECORD").write_text("")
    module = folder / (file or f"{name}/__init__.py")
    module.parent.mkdir(parents=True, exist_ok=True)
    module.write_text("")


# Names and versions


def test_ok__one_command_builds_six_packages() -> None:
    names = [target.file_name("0.1.0") for target in targets(None, None)]
    assert len(names) == len(set(names)) == 6
    assert "driver-monitor_0.1.0-1+py3.11_arm64.deb" in names
    assert targets(["3.11"], ["arm64"]) == [BOOKWORM_PI]


@pytest.mark.parametrize(
    ("version", "shown"),
    [
        ("0.1.0", "0.1.0"),
        ("1.0rc1", "1.0~rc1"),
        ("1.0.dev3", "1.0~dev3"),
        ("1.0a2.dev1", "1.0~a2~dev1"),
        ("1+x", "1+x"),
    ],
)
def test_ok__a_candidate_is_older_than_its_version(version: str, shown: str) -> None:
    assert debian_version(version) == shown


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (Target("3.11", "amd64").version("0.1.0"), Target("3.11", "amd64").version("0.2.0")),
        (Target("3.11", "amd64").version("0.2.0rc1"), Target("3.11", "amd64").version("0.2.0")),
        (Target("3.11", "amd64").version("0.1.0"), Target("3.13", "amd64").version("0.1.0")),
        (Target("3.9", "amd64").version("0.1.0"), Target("3.10", "amd64").version("0.1.0")),
    ],
)
def test_ok__dpkg_takes_the_newer_package_as_the_newer(older: str, newer: str) -> None:
    assert subprocess.run([program("dpkg"), "--compare-versions", older, "lt", newer], check=False).returncode == 0


def test_ok__a_package_fits_its_own_python_only() -> None:
    text = control.control(BOOKWORM_PI, "0.1.0", 340_000)
    assert "Architecture: arm64\n" in text
    assert "Depends: python3 (>= 3.11), python3 (<< 3.12), " in text
    assert "Recommends: python3-lgpio\n" in text


def test_ok__pip_never_compiles_and_takes_the_wheels_of_the_target() -> None:
    options = JETSON.pip_options()
    assert "--only-binary=:all:" in options
    assert options[options.index("--python-version") + 1] == "3.10"
    assert "manylinux2014_aarch64" in options
    assert not [word for word in options if "x86_64" in word]


# Requirements: the markers are those of the target, not of the machine that builds


def test_fail__what_only_the_older_python_needs_is_missed(tmp_path: Path) -> None:
    wheel(tmp_path, "driver_monitor", "0.1.0", "anyio>=3")
    wheel(tmp_path, "anyio", "4.0", 'exceptiongroup>=1.0; python_version < "3.11"', 'winloop; sys_platform == "win32"')
    root = Requirement("driver-monitor")
    assert unmet(tmp_path, root, JETSON.marker_environment()) == ["exceptiongroup>=1.0"]
    assert unmet(tmp_path, root, BOOKWORM_PI.marker_environment()) == []
    wheel(tmp_path, "exceptiongroup", "1.2")
    assert unmet(tmp_path, root, JETSON.marker_environment()) == []


def test_fail__what_only_the_other_processor_needs_is_missed(tmp_path: Path) -> None:
    wheel(tmp_path, "driver_monitor", "0.1.0", 'neon; platform_machine == "aarch64"')
    root = Requirement("driver-monitor")
    assert unmet(tmp_path, root, BOOKWORM_PI.marker_environment()) == ["neon"]
    assert unmet(tmp_path, root, Target("3.11", "amd64").marker_environment()) == []


def test_fail__a_wheel_of_a_wrong_version_counts_as_missing(tmp_path: Path) -> None:
    wheel(tmp_path, "driver_monitor", "0.1.0", "av>=14.2,<20")
    wheel(tmp_path, "av", "21.0")
    assert unmet(tmp_path, Requirement("driver-monitor"), JETSON.marker_environment()) == ["av<20,>=14.2"]


def test_ok__extras_are_followed_and_circles_end(tmp_path: Path) -> None:
    wheel(tmp_path, "driver_monitor", "0.1.0", 'python-can>=4.4; extra == "can"', 'torch; extra == "train"')
    wheel(tmp_path, "python_can", "4.6", "driver-monitor", "wrapt")
    missing = unmet(tmp_path, Requirement("driver-monitor[can]"), JETSON.marker_environment())
    assert missing == ["wrapt"]


def test_ok__the_package_has_the_extras_of_a_car_that_exist() -> None:
    assert tree.extras("[x]\ncan = [\n]\ntrain = [\n]\njetson = [\n") == ["can", "jetson"]
    assert "can" in tree.extras((tree.TOP / "pyproject.toml").read_text())


def test_ok__pip_is_asked_again_for_what_only_the_target_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def pip(command: list[str], check: bool) -> None:
        asked.append(command[-1])
        folder = Path(command[command.index("--target") + 1])
        if command[-1].endswith("]"):
            wheel(folder, "driver_monitor", "0.1.0", 'exceptiongroup; python_version < "3.11"')
            (folder / "bin").mkdir()
            (folder / "bin/f2py").write_text("#!/builder/python\n")
        else:
            wheel(folder, "exceptiongroup", "1.2")

    monkeypatch.setattr("tools.package.tree.subprocess.run", pip)
    packed = tree.Program(Path("dist/driver_monitor-0.1.0-py3-none-any.whl"), "0.1.0", DATE)
    tree.lay_wheels(JETSON, packed, tmp_path)
    assert asked[0].startswith("dist/driver_monitor-0.1.0-py3-none-any.whl[")
    assert asked[1:] == ["exceptiongroup"]
    assert not (tmp_path / "bin").exists()


def test_fail__a_requirement_without_a_wheel_ends_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel(tmp_path, "driver_monitor", "0.1.0", "neon")
    monkeypatch.setattr("tools.package.tree.subprocess.run", lambda command, check: None)
    packed = tree.Program(Path("x.whl"), "0.1.0", DATE)
    with pytest.raises(RuntimeError, match=r"no wheels for .*3\.10.*arm64.*: neon"):
        tree.lay_wheels(JETSON, packed, tmp_path)


# What is left out


@pytest.mark.parametrize(
    "path", ["bin/f2py", "numpy/_core/tests/test_x.py", "a-1.dist-info/direct_url.json", "b/__pycache__/c.pyc"]
)
def test_ok__what_nobody_loads_is_left_out(path: str) -> None:
    assert is_left_out(path)


@pytest.mark.parametrize(
    "path",
    ["numpy/testing/__init__.py", "numpy/f2py.py", "a-1.dist-info/METADATA", "cv2/cv2.abi3.so", "onnxruntime/x.py"],
)
def test_ok__what_is_loaded_stays(path: str) -> None:
    assert not is_left_out(path)


# Manual page and completion


def known() -> list[Verb]:
    return list(verbs(get_command(app)))


def test_ok__the_manual_page_has_each_verb_and_each_option() -> None:
    page = man_page(known(), "0.1.0", "2026-11-29")
    for verb in known():
        assert f".B {escaped(' '.join(verb.words))}" in page
        for option in verb.options:
            assert escaped(", ".join(option.names)) in page
            assert option.meaning
    assert ("config", "check") in [verb.words for verb in known()]


def test_ok__no_help_text_is_a_command_of_troff() -> None:
    verb = Verb(("run",), ".so /etc/passwd", ("[FILE]",), (Option(("--x", "-x"), "TEXT", "'tis a \\(co"),))
    page = man_page([verb], "1", "2026-01-01")
    assert "\n\\&.so /etc/passwd\n" in page
    assert "\n\\&'tis a \\e(co\n" in page


def test_ok__groff_reads_the_manual_page_without_a_warning() -> None:
    page = man_page(known(), "0.1.0", "2026-11-29")
    shown = subprocess.run(
        [program("groff"), "-man", "-ww", "-Tascii"], input=page, capture_output=True, text=True, check=False
    )
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "inspect" in re.sub(".\x08", "", shown.stdout)


def offered(tmp_path: Path, *words: str) -> set[str]:
    """What bash offers at the end of a line of these words."""
    script = tmp_path / "completion"
    script.write_text(completion(known()))
    line = f'source {script}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _driver_monitor; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run([program("bash"), "-c", line, "x", *words], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return set(done.stdout.split())


def test_ok__bash_offers_verbs_and_then_their_options(tmp_path: Path) -> None:
    assert {"run", "watch", "config", "--version"} <= offered(tmp_path, "driver-monitor", "")
    assert offered(tmp_path, "driver-monitor", "wat") == {"watch"}
    assert {"check", "dump", "schema"} <= offered(tmp_path, "driver-monitor", "config", "")
    assert offered(tmp_path, "driver-monitor", "replay", "trip.mp4", "--jo") == {"--jobs"}
    assert "--profile" in offered(tmp_path, "driver-monitor", "config", "check", "my.yaml", "--")
    assert offered(tmp_path, "driver-monitor", "inspect", "config", "ch") == set()


# Scripts and texts


@pytest.mark.parametrize("script", tree.SCRIPTS)
def test_ok__the_scripts_are_plain_sh(script: str) -> None:
    text = (DEBIAN / script).read_text()
    assert text.startswith("#!/bin/sh\nset -e\n")
    assert subprocess.run([program("sh"), "-n", str(DEBIAN / script)], check=False).returncode == 0


def test_ok__the_unit_of_the_package_names_nothing_of_an_installation_with_pip() -> None:
    text = control.unit((tree.TOP / "systemd/driver-monitor.service").read_text())
    assert "/opt" not in text
    assert f"ExecStart={control.HOME}/bin/driver-monitor run --config /etc/driver-monitor/config.yaml" in text
    assert f"{control.HOME}/bin/python -m driver_monitor.gpio.off" in text


def test_ok__the_copyright_names_the_licence_of_each_library() -> None:
    text = control.copyright_text((DEBIAN / "copyright.head").read_text(), {"numpy": "BSD-3-Clause", "av": "BSD"})
    assert " av: BSD\n numpy: BSD-3-Clause\n\nFiles: *\n" in text


# A whole package, of a small wheel


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package in which one module stands for all wheels."""
    program("dpkg-deb")
    out = tmp_path_factory.mktemp("dist")

    def lay_one(target: Target, packed: tree.Program, folder: Path) -> None:
        wheel(folder, "driver_monitor", packed.version)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tree, "lay_wheels", lay_one)
        built = build.build(BOOKWORM_PI, tree.Program(Path("none.whl"), "0.1.0", DATE), out)
        first = built.read_bytes()
        assert build.build(BOOKWORM_PI, tree.Program(Path("none.whl"), "0.1.0", DATE), out).read_bytes() == first
    return built


def listed(package: Path) -> dict[str, str]:
    """The files of a package: path, and mode with owner."""
    lines = subprocess.run(["dpkg-deb", "--contents", str(package)], capture_output=True, text=True, check=True).stdout
    return {line.split()[5].removeprefix("."): " ".join(line.split()[:2]) for line in lines.splitlines()}


def test_ok__a_package_has_what_a_service_needs(package: Path) -> None:
    files = listed(package)
    for path in (
        "/etc/driver-monitor/config.yaml",
        "/usr/lib/systemd/system/driver-monitor.service",
        "/usr/lib/sysusers.d/driver-monitor.conf",
        "/usr/lib/tmpfiles.d/driver-monitor.conf",
        "/usr/lib/udev/rules.d/60-driver-monitor.rules",
        "/usr/lib/driver-monitor/pyvenv.cfg",
        "/usr/lib/driver-monitor/lib/python3.11/site-packages/driver_monitor/__init__.py",
        "/usr/share/man/man1/driver-monitor.1.gz",
        "/usr/share/bash-completion/completions/driver-monitor",
        "/usr/share/doc/driver-monitor/changelog.Debian.gz",
        "/usr/share/doc/driver-monitor/copyright",
        "/usr/share/doc/driver-monitor/install.md",
    ):
        assert files[path] == "-rw-r--r-- root/root", path
    assert files["/usr/lib/driver-monitor/bin/driver-monitor"] == "-rwxr-xr-x root/root"
    drop_ins = {path.name for path in (tree.TOP / "systemd").glob("*.conf")}
    examples = "/usr/share/doc/driver-monitor/examples/"
    assert {path.removeprefix(examples) for path in files if path.startswith(examples)} - {""} == drop_ins
    assert {rights for path, rights in files.items() if path.endswith("/")} == {"drwxr-xr-x root/root"}


def test_ok__the_command_is_on_the_path(package: Path, tmp_path: Path) -> None:
    subprocess.run(["dpkg-deb", "--extract", str(package), str(tmp_path)], check=True)
    command = tmp_path / "usr/bin/driver-monitor"
    assert command.resolve() == tmp_path / "usr/lib/driver-monitor/bin/driver-monitor"
    python = tmp_path / "usr/lib/driver-monitor/bin/python"
    assert os.path.normpath(python.parent / python.readlink()) == str(tmp_path / "usr/bin/python3")


def test_ok__the_configuration_is_kept_over_upgrades(package: Path, tmp_path: Path) -> None:
    subprocess.run(["dpkg-deb", "--control", str(package), str(tmp_path)], check=True)
    assert (tmp_path / "conffiles").read_text() == "/etc/driver-monitor/config.yaml\n"
    assert "etc/" not in (tmp_path / "md5sums").read_text(), "a changed configuration is no damage"
    assert {path.name for path in tmp_path.iterdir() if path.stat().st_mode & 0o111} == set(tree.SCRIPTS)


def test_ok__no_file_names_a_folder_of_the_machine_that_built_it(package: Path, tmp_path: Path) -> None:
    subprocess.run(["dpkg-deb", "--extract", str(package), str(tmp_path)], check=True)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert str(tree.TOP).encode() not in path.read_bytes(), path


# What the trial in fresh systems decides


def answer(file: str, openness: float | None, state: str = "open") -> dict[str, Any]:
    return {
        "file": file,
        "face": {"present": True},
        "eyes": {"state": state, "openness": openness},
        "attention": "attentive",
        "degraded": None,
        "light": "day",
        "gaze": {"zone": "road"},
    }


def test_ok__two_processors_may_differ_in_the_last_digits() -> None:
    assert differences([answer("/a/1.jpg", 1.385)], [answer("/b/1.jpg", 1.383)]) == []
    assert differences([answer("1.jpg", 1.385)], [answer("1.jpg", 1.395)]) == [], "the limit itself"
    assert differences([answer("1.jpg", None)], [answer("1.jpg", None)]) == []


def test_fail__another_state_openness_or_number_of_answers_differs() -> None:
    one = [answer("/a/1.jpg", 1.0), answer("/a/2.jpg", 1.0)]
    assert differences(one, [answer("1.jpg", 1.0, "closed"), one[1]]) == ["1.jpg: eyes.state is open and closed"]
    assert differences(one, [answer("1.jpg", None), one[1]]) == ["1.jpg: openness is 1.0 and None"]
    assert differences(one, [answer("1.jpg", 1.2), one[1]]) == ["1.jpg: openness is 1.0 and 1.2"]
    assert differences(one, one[:1]) == ["2 and 1 answers"]
    assert differences([answer("1.jpg", 1.0)], [{"file": "1.jpg"}])[-1] == "1.jpg: openness is 1.0 and None"


def test_ok__the_trial_finds_the_package_and_makes_an_older_one(package: Path, tmp_path: Path) -> None:
    assert packages.package_of(package.parent, BOOKWORM_PI) == package
    packages.older(package, tmp_path / "old.deb")
    field = subprocess.run(
        ["dpkg-deb", "--field", str(tmp_path / "old.deb"), "Version"], capture_output=True, text=True, check=True
    )
    assert field.stdout.strip() == packages.OLD_VERSION
    assert listed(tmp_path / "old.deb").keys() == listed(package).keys()


def test_fail__a_package_that_is_not_built_says_how(package: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"make deb PYTHON_VERSION=3.10 ARCH=arm64"):
        packages.package_of(package.parent, JETSON)


def test_fail__what_does_not_hold_stands_out_in_the_table() -> None:
    rows = [{"what": "a", "holds": True, "detail": "1|2"}, {"what": "b", "holds": False, "detail": ""}]
    assert packages.table(rows).splitlines()[2:] == ["| a | yes | 1/2 |", "| b | NO |  |"]


@pytest.mark.parametrize("path", ["/etc/passwd-", "/var/lib/dpkg/status-old"])
def test_ok__backups_of_the_system_are_no_leftovers(path: str) -> None:
    assert in_package.BACKUPS.fullmatch(path)


@pytest.mark.parametrize("path", ["/etc/driver-monitor", "/var/lib/dpkg/info/driver-monitor.postrm", "/etc/group"])
def test_fail__files_of_a_package_are_leftovers(path: str) -> None:
    assert not in_package.BACKUPS.fullmatch(path)
    assert not path.startswith(in_package.NOT_OURS)

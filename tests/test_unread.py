"""`config check` names rules whose net is switched off: they can never raise an alert."""

from __future__ import annotations

from pathlib import Path

from driver_monitor.app.build import Request, load_plan
from driver_monitor.cli.unread import unread


def lines(folder: Path, text: str) -> list[str]:
    file = folder / "my.yaml"
    file.write_text(text)
    plan = load_plan(Request(file))
    return list(unread(plan.config, plan.profile))


def test_fail__a_rule_about_the_telephone_without_its_net(tmp_path: Path) -> None:
    (line,) = lines(tmp_path, "objects: {enabled: false}\nprofile: euro_ncap\n")
    assert line.startswith("rule phone reads phone.at_ear_s")
    assert line.endswith("unknown all the time, because objects.enabled is false")


def test_ok__nothing_to_say_with_the_net_or_without_such_a_rule(tmp_path: Path) -> None:
    assert lines(tmp_path, "profile: euro_ncap\n") == []
    assert lines(tmp_path, "objects: {enabled: false}\n") == []


def test_fail__a_signal_by_its_json_path_is_found_too(tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_text(
        "name: ours\nrules:\n  - id: cup\n    when: {signal: mouth_object_s, at_least: 3.0}\n"
        "    clear: {signal: mouth_object_s, at_most: 0.0}\n    level: info\n    message: cup\n    clause: ours\n"
    )
    (line,) = lines(tmp_path, f"objects: {{enabled: false}}\nprofile: {tmp_path / 'ours.yaml'}\n")
    assert line.startswith("rule cup reads mouth_object_s")

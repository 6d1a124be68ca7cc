"""A fault in a profile is reported with file, line, key and reason."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from driver_monitor.config.profiles import load_profile
from driver_monitor.data.alert import Value
from driver_monitor.errors import ConfigError
from driver_monitor.rules import message
from driver_monitor.rules.profile import MAX_RULES, Profile
from driver_monitor.signals.table import SIGNALS

RULE = """\
name: mine
rules:
  - id: nap
    when: {signal: eyes.closed_s, at_least: 1.5}
    clear: {signal: eyes.closed_s, at_most: 0.0}
    level: warning
    escalate:
      - {after_s: 2, level: critical}
    message: "Eyes closed for {eyes.closed_s:.1f} s"
    clause: my own
"""


def write(folder: Path, text: str) -> str:
    path = folder / "mine.yaml"
    path.write_text(text)
    return str(path)


def test_ok__a_rule_of_ones_own_takes_ten_lines(tmp_path: Path) -> None:
    profile, text = load_profile(write(tmp_path, RULE))
    assert text == RULE
    assert profile.rules[0].when.at_least == 1.5


def test_fail__a_profile_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no profile 'defualt'; use one of default,? ?.*, or the path"):
        load_profile("defualt")
    with pytest.raises(ConfigError, match=r"gone\.yaml: cannot read it"):
        load_profile(str(tmp_path / "gone.yaml"))


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("signal: eyes.closed_s, at_least", "signal: eyes.close, at_least", 4, "no such signal; there are"),
        ("at_least: 1.5", "at_leest: 1.5", 4, "at_leest: unknown key"),
        ("at_least: 1.5", "at_least: -1", 4, "impossible threshold: eyes.closed_s lies between 0 and 3600 s"),
        ("at_least: 1.5", "below: 0", 4, "impossible threshold"),
        ("at_least: 1.5", "at_least: .nan", 4, "finite number"),
        ("at_least: 1.5", "at_least: 1, below: 3", 4, "exactly one of above"),
        ("at_least: 1.5", "is: closed", 4, "eyes.closed_s is a number"),
        ("signal: eyes.closed_s, at_least: 1.5", "signal: perclos.value, at_least: 8", 4, "between 0 and 1"),
        ("signal: eyes.closed_s, at_least: 1.5", "signal: gaze.zone, is: floor", 4, "one of road, down"),
        ("signal: eyes.closed_s, at_least: 1.5", "signal: gaze.zone, above: 3", 4, "gaze.zone is not a number"),
        ("signal: eyes.closed_s, at_least: 1.5", "signal: face.present, is: 'yes'", 4, "true or false"),
        ("{signal: eyes.closed_s, at_least: 1.5}", "{all: []}", 4, "exactly one of signal, all, any"),
        (
            "{signal: eyes.closed_s, at_least: 1.5}",
            "{any: [{signal: x, above: 1}]}",
            4,
            r"any\[0\].signal: no such",
        ),
        (
            "signal: eyes.closed_s, at_least: 1.5",
            "signal: rule.sleep.held_s, above: 3",
            3,
            r"rules\[0\]: refers to rule.sleep.held_s, but no rule sleep comes before",
        ),
        ("level: critical", "level: info", 7, "escalation must go up"),
        ("level: critical", "level: urgent", 8, "'info', 'warning' or 'critical'"),
        ("{after_s: 2, level: critical}", "{level: critical}", 8, "needs after_s or when"),
        ("{eyes.closed_s:.1f}", "{eyes.closed}", 9, "no such signal: eyes.closed"),
        ("{eyes.closed_s:.1f}", "{eyes.closed_s:99999999999f}", 9, "unsupported format: write"),
        ("{eyes.closed_s:.1f}", "{eyes.closed_s", 9, "expected '}'"),
        ("{eyes.closed_s:.1f}", "{rule.zzz.held_s}", 9, "message: refers to rule.zzz.held_s, but no rule zzz"),
        ("{eyes.closed_s:.1f}", "{mouth.yawns:.1}", 9, "unsupported format: write"),
        ("{eyes.closed_s:.1f}", "{face.present:.1}", 9, "face.present is not a number: write {face.present} without"),
        ("{eyes.closed_s:.1f}", "{light:.1f}", 9, "light is not a number: write {light} without"),
        ("at_least: 1.5", "at_least: 1500000", 4, "lies between 0 and 3600 s"),
        ("at_least: 1.5", "at_least: true", 4, "at_least: expected a number, without quotes, found true"),
        ("at_least: 1.5", "at_least: '1.0'", 4, "at_least: expected a number, without quotes, found '1.0'"),
        (
            "signal: eyes.closed_s, at_least: 1.5",
            "signal: face.present, is: 1",
            4,
            "is: expected a word, true or false",
        ),
        ("    clause: my own\n", "", 3, "clause: missing"),
        ("id: nap", "id: Nap/", 3, "id: a rule id has only small letters, digits and _, and begins with a letter"),
        ("id: nap", 'id: "nap\\n"', 3, "id: a rule id has only small letters"),
        ("name: mine", "name: my rules", 1, "name: a profile name has only letters, digits"),
        ("    clause: my own\n", "    clause: my own\n    attention: attentive\n", 11, "attention"),
    ],
)
def test_fail__a_mistake_names_its_line_and_reason(tmp_path: Path, old: str, new: str, line: int, reason: str) -> None:
    assert old in RULE
    path = write(tmp_path, RULE.replace(old, new, 1))
    with pytest.raises(ConfigError, match=reason) as caught:
        load_profile(path)
    reported = str(caught.value).splitlines()
    assert any(fault.startswith(f"{path}:{line}: ") for fault in reported), reported
    assert len(reported) == 1, reported


def test_fail__two_rules_of_one_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r":11: rules\[1\]\.id: two rules have this id, found 'nap'"):
        load_profile(write(tmp_path, RULE + RULE.split("rules:\n")[1]))


def test_fail__more_rules_than_anybody_writes(tmp_path: Path) -> None:
    head, rule = RULE.split("rules:\n")
    many = "".join(rule.replace("id: nap", f"id: nap{number}") for number in range(MAX_RULES + 1))
    with pytest.raises(ConfigError, match=r"mine\.yaml:\d+: rules\[200\]: a profile has at most 200 rules, found 201"):
        load_profile(write(tmp_path, f"{head}rules:\n{many}"))


def test_ok__a_message_may_tell_how_long_its_own_rule_and_those_before_have_been_held(tmp_path: Path) -> None:
    head, rule = RULE.split("rules:\n")
    later = rule.replace("id: nap", "id: later").replace("Eyes closed", "{rule.nap.held_s:.0f} {rule.later.held_s}")
    profile, _ = load_profile(write(tmp_path, f"{head}rules:\n{rule}{later}"))
    assert len(profile.rules) == 2


EXTENDING = """\
name: mine
extends: default
rules:
  - id: mine
    when: {signal: rule.OTHER.held_s, at_least: 5}
    clear: {signal: rule.OTHER.held_s, at_most: 0}
    level: warning
    message: "asleep for {rule.sleep.held_s:.0f} s"
    clause: none
"""


def test_ok__what_extends_a_profile_may_ask_its_rules(tmp_path: Path) -> None:
    profile, _ = load_profile(write(tmp_path, EXTENDING.replace("OTHER", "sleep")))
    assert profile.rules[-1].id == "mine"


def test_fail__what_extends_a_profile_asks_a_rule_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"refers to rule.nap.held_s, but no rule nap comes before it"):
        load_profile(write(tmp_path, EXTENDING.replace("OTHER", "nap")))


def test_fail__more_rules_than_anybody_writes_together_with_those_extended(tmp_path: Path) -> None:
    head, rule = RULE.split("rules:\n")
    many = "".join(rule.replace("id: nap", f"id: nap{number}") for number in range(MAX_RULES - 3))
    with pytest.raises(ConfigError, match="a profile has at most 200 rules"):
        load_profile(write(tmp_path, f"{head}extends: default\nrules:\n{many}"))


FORMATS = ("", ":.1f", ":.0f", ":f", ":.2g", ":g", ":.0%", ":%", ":.1", ":d", ":s", ":5", ":>9", "!r")
VALUES: tuple[Value, ...] = (None, 0.0, 1.25, math.nan, math.inf, 0, 3, -7, True, False, "closed")


@pytest.mark.parametrize("name", sorted(SIGNALS))
@pytest.mark.parametrize("how", FORMATS)
def test_ok__a_template_that_is_called_good_renders_every_value_and_none_is_ever_an_error(name: str, how: str) -> None:
    template = f"<{{{name}{how}}}>"
    kinds = {"number": (float, int), "bool": (bool,), "text": (str,)}[SIGNALS[name].kind]
    try:
        message.check(template)
        good = True
    except ValueError:
        good = False
    for value in VALUES:
        text = message.fill(template, lambda _, value=value: value)  # type: ignore[misc]
        assert text.startswith("<")
        assert text.endswith(">")
        if good and value is not None and type(value) in kinds and how and math.isfinite(value):  # type: ignore[arg-type]
            assert text == f"<{format(value, how[1:])}>"
    assert good or how


def test_ok__what_cannot_be_rendered_is_reported_as_it_stands() -> None:
    assert message.fill("{eyes.closed_s", lambda _: 1.0) == "{eyes.closed_s"
    assert message.fill("{light:.1f} {x:.1}", lambda name: "day" if name == "light" else 3) == "day 3"
    assert message.fill("{a} {b:.0%}", lambda name: None if name == "a" else math.nan) == "unknown unknown"


def test_fail__a_profile_without_rules(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a profile needs at least one rule"):
        load_profile(write(tmp_path, "name: none\nrules: []\n"))


@pytest.mark.parametrize("name", ["a\0b", "a\0b.yaml", "a" * 5000, "a" * 5000 + ".yaml", "no\nbody"])
def test_fail__a_name_that_no_file_can_have_is_reported_in_one_line(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_profile(name)
    assert "\n" not in str(caught.value)


def test_ok__the_schema_tells_what_each_signal_means_and_in_which_unit() -> None:
    schema = Profile.model_json_schema()
    reported = schema["$defs"]["Condition"]["properties"]["signal"]["description"]
    assert all(f"{name}: {signal.meaning}" in reported for name, signal in SIGNALS.items())
    assert "eyes.closed_s: how long the eyes have been closed, 0 when open, s;" in reported
    assert "rule.<id>.held_s: how long" in reported

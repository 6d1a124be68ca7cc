"""What a sweep can set in a profile, and the settings that a user asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from driver_monitor.bench.sweep.places import changed, find_place, places, plain
from driver_monitor.bench.sweep.run import chosen_rules
from driver_monitor.bench.sweep.settings import MOST_SETTINGS, parse_axes, settings_of
from driver_monitor.config.profiles import known, load_profile
from driver_monitor.errors import UsageError
from tests.timeline import shipped

CLOSED = "rules.microsleep.when.eyes.closed_s"


def values_of(*options: str, profile: str = "default") -> list[tuple[Any, ...]]:
    return [axis.values for axis in parse_axes(shipped(profile), options)]


@pytest.mark.parametrize("name", known())
def test_ok__each_path_leads_to_the_present_value(name: str) -> None:
    profile = shipped(name)
    for path, place in places(profile).items():
        part: Any = plain(profile)
        for key in place.keys[:-1]:
            part = part[key]
        assert part.get(place.keys[-1], place.value) == place.value, path
        # A value that is not in the file has its default.
        assert place.keys[-1] in part or place.value in (0.0, None), path


def test_ok__a_signal_that_stands_twice_in_a_condition_has_a_number() -> None:
    found = places(shipped("quiet"))
    assert found[f"{CLOSED}.1"].value == 1.5
    assert found[f"{CLOSED}.2"].value == 3.0
    assert CLOSED not in found


def test_ok__a_changed_profile_is_that_of_a_file_with_this_value(tmp_path: Path) -> None:
    options = [
        f"{CLOSED}=1.7",
        "rules.unresponsive.lock.after_s=4",
        "rules.sleep.from_kmh=30",
        "standstill.level=warning",
    ]
    profile = shipped("euro_ncap_2023")
    setting = settings_of(profile, parse_axes(profile, options))[-1]
    path = tmp_path / "changed.yaml"
    assert setting.profile is not None
    path.write_text(yaml.safe_dump(as_lists(plain(setting.profile))))
    loaded, _ = load_profile(str(path))
    assert loaded == setting.profile.model_copy(update={"extends": None})
    by_id = {rule.id: rule for rule in loaded.rules}
    assert by_id["microsleep"].when.leaves()[0].threshold == 1.7
    assert by_id["sleep"].from_kmh == 30
    assert by_id["sleepiness"] == profile.rules[-1]


def as_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: as_lists(part) for key, part in value.items()}
    return [as_lists(part) for part in value] if isinstance(value, list | tuple) else value


def test_ok__changing_a_profile_leaves_the_old_one_alone() -> None:
    before = plain(shipped("default"))
    place = find_place(shipped("default"), CLOSED)
    after = changed(before, place.keys, 9.0)
    assert before == plain(shipped("default"))
    assert after["rules"][0]["when"]["all"][0]["at_least"] == 9.0


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0.8:1.4:0.2", (0.8, 1.0, 1.2, 1.4)),
        ("1:2:0.4", (1.0, 1.4, 1.8)),
        ("3", (3.0,)),
        ("1,2,1", (1.0, 2.0)),
        ("1, 2:3:1", (1.0, 2.0, 3.0)),
        ("1e0", (1.0,)),
    ],
)
def test_ok__values_are_what_was_written(text: str, values: tuple[float, ...]) -> None:
    assert values_of(f"{CLOSED}={text}") == [values]


def test_ok__words_are_tried_too() -> None:
    path = "rules.addw_fast.patience.when.light.1"
    assert values_of(f"{path}=dark,glare", profile="eu_addw") == [("dark", "glare")]
    assert values_of("rules.sleep.from_kmh=null,20") == [(None, 20.0)]


def test_ok__all_combinations_are_tried_and_the_present_one_is_among_them() -> None:
    profile = shipped("default")
    two = settings_of(profile, parse_axes(profile, [f"{CLOSED}=1,2", "rules.sleep.for_s=0,1"]))
    assert [(one.values, one.present) for one in two] == [
        ((1, 0), True),
        ((1, 1), False),
        ((2, 0), False),
        ((2, 1), False),
    ]
    added = settings_of(profile, parse_axes(profile, [f"{CLOSED}=0.5,0.9,2"]))
    assert [(one.name, one.present) for one in added] == [("0.5", False), ("0.9", False), ("1", True), ("2", False)]
    words = settings_of(profile, parse_axes(profile, ["rules.sleep.level=info,warning"]))
    assert [(one.name, one.present) for one in words] == [("critical", True), ("info", False), ("warning", False)]


def test_ok__rules_that_do_not_change_are_the_same_object_in_all_settings() -> None:
    profile = shipped("default")
    one, two, *_ = settings_of(profile, parse_axes(profile, [f"{CLOSED}=0.5,0.6"]))
    assert one.profile is not None
    assert two.profile is not None
    assert [a is b for a, b in zip(one.profile.rules, two.profile.rules, strict=True)].count(False) == 1


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        (f"{CLOSED}=-1,2", "impossible threshold: eyes.closed_s lies between 0 and 3600 s"),
        ("rules.microsleep.for_s=soon,2", "expected a number"),
        ("rules.no_face.escalate.warning.after_s=0,2", "must be more than 0"),
        ("rules.microsleep.level=critical,info", "escalation must go up: critical is not worse than critical"),
    ],
)
def test_fail__a_setting_that_no_file_could_have_is_invalid_and_the_others_go_on(option: str, reason: str) -> None:
    profile = shipped("default")
    found = {one.name: one for one in settings_of(profile, parse_axes(profile, [option]))}
    wrong = found[option.partition("=")[2].partition(",")[0]]
    assert wrong.profile is None
    assert wrong.fault.startswith(option.partition(".")[0])
    assert reason in wrong.fault
    assert sum(one.profile is not None for one in found.values()) == 2


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("rules.microslep.for_s=1", "no such value; default has standstill.below_kmh, standstill.level; rules.ID with"),
        ("rules.microsleep.fors=1", "perhaps for_s"),
        ("rules.microsleep=1", "rules.microsleep has when.eyes.closed_s"),
        ("standstill.foo=1", "`sweep --paths` lists all"),
        ("rules.microsleep.message=hello", "no such value"),
        (CLOSED, "expected PATH=VALUES"),
        (f"{CLOSED}=", "expected PATH=VALUES"),
        (f"{CLOSED}=1,,2", "a value is missing between commas"),
        (f"{CLOSED}=1:2", "is not a range of numbers FROM:TO:STEP"),
        (f"{CLOSED}=1:x:2", "is not a range of numbers FROM:TO:STEP"),
        (f"{CLOSED}=1:nan:2", "is not a range of numbers FROM:TO:STEP"),
        (f"{CLOSED}=1:2:0", "STEP more than 0"),
        (f"{CLOSED}=2:1:0.1", "TO must be at least FROM"),
        (f"{CLOSED}=0:1e99:1e-9", f"at most {MOST_SETTINGS} in one sweep"),
        (f"{CLOSED}=1:1e999:1", "is not a range of numbers FROM:TO:STEP"),
    ],
)
def test_fail__what_cannot_be_set_is_one_line_that_says_what_can(option: str, reason: str) -> None:
    with pytest.raises(UsageError) as fault:
        values_of(option)
    assert reason in str(fault.value)
    assert "\n" not in str(fault.value)


def test_fail__a_path_that_needs_a_number_says_so() -> None:
    with pytest.raises(UsageError, match=r"perhaps when\.eyes\.closed_s\.1 or when\.eyes\.closed_s\.2"):
        values_of(f"{CLOSED}=1", profile="quiet")


def test_fail__a_path_twice_or_too_many_combinations() -> None:
    with pytest.raises(UsageError, match="is given twice"):
        values_of(f"{CLOSED}=1", f"{CLOSED}=2")
    with pytest.raises(UsageError, match="1000000 settings"):
        values_of(f"{CLOSED}=1:1000:1", "rules.sleep.for_s=1:1000:1")


def test_ok__without_a_wish_the_changed_rules_and_those_that_they_move_are_scored() -> None:
    profile = shipped("default")

    def chosen(*options: str, wanted: tuple[str, ...] = ()) -> tuple[str, ...]:
        return chosen_rules(profile, parse_axes(profile, options), wanted)

    assert chosen(f"{CLOSED}=1") == ("microsleep", "eyes_closed_or_lowered")
    assert chosen("rules.unresponsive.clear_for_s=1") == ("unresponsive",)
    assert len(chosen("standstill.below_kmh=1")) == 5
    assert chosen(f"{CLOSED}=1", wanted=("sleep",)) == ("sleep",)
    with pytest.raises(UsageError, match=r"--rule nap: no such rule; default has microsleep, sleep"):
        chosen(f"{CLOSED}=1", wanted=("nap",))


def test_fail__an_expression_at_a_workplace_is_not_counted() -> None:
    profile = shipped("fleet")
    axes = parse_axes(profile, ["rules.distress.when.emotion.distress_s=1"])
    with pytest.raises(UsageError, match="no rule is left to count"):
        chosen_rules(profile, axes, ())
    with pytest.raises(UsageError, match="stays in the car"):
        chosen_rules(profile, axes, ("distress",))


def test_ok__true_is_another_value_than_one() -> None:
    (values,) = values_of(f"{CLOSED}=1,true,1.0")
    assert [(type(value), value) for value in values] == [(float, 1.0), (bool, True)]

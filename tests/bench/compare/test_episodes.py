"""Alerts of two runs are paired one to one, by rule and time."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.bench.compare.episodes import PAIR_S, AlertEpisode, differences, match, told_by
from driver_monitor.data.alert import Level

TIMES = st.lists(st.integers(0, 200).map(lambda tenths: tenths / 10), max_size=5).map(sorted)


def alert(t: float, rule: str = "sleep", *levels: Level) -> AlertEpisode:
    return AlertEpisode(rule, t, levels or ("warning",), "", 0.0)


def kinds(a: list[AlertEpisode], b: list[AlertEpisode], moved: float = 0.5) -> list[tuple[str, str, float]]:
    return [(one.kind, one.episode.rule, one.episode.t) for one in differences(a, b, moved)]


def test_ok__a_greedy_choice_would_leave_two_alone() -> None:
    # 3.0 is nearest to 3.5, which leaves 1.6 and 5.0 without a partner.
    assert match([1.6, 3.0], [3.5, 5.0], 2.0) == [(0, 0), (1, 1)]


@pytest.mark.parametrize(
    ("later", "kind"), [(0.5, []), (0.6, ["moved"]), (2.0, ["moved"]), (2.1, ["only in A", "only in B"])]
)
def test_ok__an_alert_moves_until_it_is_another_one(later: float, kind: list[str]) -> None:
    assert [one[0] for one in kinds([alert(5.0)], [alert(5.0 + later)])] == kind


def test_ok__a_wide_limit_also_pairs_further() -> None:
    assert kinds([alert(5.0)], [alert(8.0)], moved=3.0) == []


def test_ok__another_level_and_another_rule() -> None:
    a = [alert(5.0, "sleep", "warning"), alert(20.0, "nap")]
    b = [alert(5.2, "sleep", "warning", "critical"), alert(20.3, "doze"), alert(40.0, "doze")]
    assert kinds(a, b) == [("other level", "sleep", 5.2), ("other rule", "doze", 20.3), ("only in B", "doze", 40.0)]


@given(TIMES, TIMES)
def test_ok__no_other_pairing_has_more_pairs_or_is_nearer(a: list[float], b: list[float]) -> None:
    def results() -> set[tuple[int, float]]:
        """Pairs and sum of distances of every way to pair, by hand."""
        found = {(0, 0.0)}
        for size in range(1, min(len(a), len(b)) + 1):
            for rows in itertools.combinations(range(len(a)), size):
                for columns in itertools.permutations(range(len(b)), size):
                    apart = [abs(a[i] - b[j]) for i, j in zip(rows, columns, strict=True)]
                    if max(apart) <= PAIR_S + 1e-9:
                        found.add((size, round(-sum(apart), 6)))
        return found

    pairs = match(a, b, PAIR_S)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    assert (len(pairs), round(-sum(abs(a[i] - b[j]) for i, j in pairs), 6)) == max(results())


@given(TIMES, TIMES)
def test_ok__each_alert_is_told_of_once_and_a_and_b_may_be_exchanged(a: list[float], b: list[float]) -> None:
    mine, theirs = [alert(t) for t in a], [alert(t) for t in b]
    found = differences(mine, theirs)
    alone = {kind: sum(one.kind == kind for one in found) for kind in ("only in A", "only in B")}
    assert len(a) - alone["only in A"] == len(b) - alone["only in B"]
    back = differences(theirs, mine)
    assert sum(one.kind == "only in B" for one in back) == alone["only in A"]
    assert differences(mine, mine) == []


def test_ok__the_driver_is_told_by_an_alert_of_at_least_this_level_at_this_time() -> None:
    microsleep = AlertEpisode("microsleep", 6.8, ("warning", "critical"), "", 0.0, True, (6.8, 8.8))
    assert told_by(alert(8.84, "sleep", "critical"), [microsleep]) == "microsleep (critical)"
    assert told_by(alert(6.8, "sleep", "critical"), [microsleep]) == "", "only a warning at this time"
    assert told_by(alert(9.31, "sleep", "critical"), [microsleep]) == "", "too far apart"
    assert told_by(microsleep, [alert(8.84, "sleep", "critical")]) == "", "the warning is not told"

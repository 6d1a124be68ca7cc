"""Who has looked at which episode: kept once, kept for ever."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta, timezone

import pytest

from driver_monitor.errors import UsageError
from driver_monitor.fleet.look.acknowledge import Acknowledged, UnknownEpisodeError, acknowledge, acknowledge_all
from driver_monitor.fleet.store.rows import AlertRow, Batch
from driver_monitor.fleet.store.store import Store, open_store
from driver_monitor.fleet.store.views import engine_of
from tests.conftest import Cli
from tests.fleet.look.fleet import row
from tests.fleet.store.rows import NOW

HOUR = timedelta(hours=1)
AUDIT = "SELECT episode, by_whom, note FROM acknowledgement ORDER BY at, episode"


def some(store: Store) -> list[AlertRow]:
    """Four episodes of two vehicles, the last one only information."""
    alerts = [row("van-1", 1, NOW - 3 * HOUR), row("van-1", 2, NOW - HOUR), row("van-2", 1, NOW - 3 * HOUR)]
    alerts.append(row("van-1", 3, NOW - 4 * HOUR, level="info"))
    store.put(Batch(alerts=alerts))
    return alerts


def test_ok__a_second_look_changes_nothing(store: Store) -> None:
    one, other, *_ = (alert.episode for alert in some(store))
    assert acknowledge(store, [one, one.upper()], "Ada", NOW, "called the depot") == Acknowledged(1, 0)
    assert acknowledge(store, [one, other], "Bob", NOW + HOUR) == Acknowledged(1, 1)
    assert store.query(AUDIT) == [(one, "Ada", "called the depot"), (other, "Bob", "")]


def test_ok__all_of_some_vehicles_before_a_time(store: Store, url: str) -> None:
    alerts = some(store)
    before = NOW - 2 * HOUR
    assert acknowledge_all(store, engine_of(url), ["van-1"], before, "Ada", NOW) == Acknowledged(1, 0)
    assert acknowledge_all(store, engine_of(url), ["van-*"], before, "Bob", NOW) == Acknowledged(1, 0)
    assert store.query("SELECT episode, by_whom FROM acknowledgement ORDER BY by_whom") == [
        (alerts[0].episode, "Ada"),
        (alerts[2].episode, "Bob"),
    ]


def test_fail__one_unknown_episode_and_nothing_is_kept(store: Store) -> None:
    known = some(store)[0].episode
    with pytest.raises(UnknownEpisodeError, match="the store has no such episode"):
        acknowledge(store, [known, str(uuid.uuid4())], "Ada", NOW)
    assert store.query(AUDIT) == []


@pytest.mark.parametrize("text", ["", " ", "a\nb", "\x1b[31m", "x" * 501])
def test_fail__a_name_or_a_note_that_is_no_line_is_refused(text: str, tmp_path: object) -> None:
    store = open_store(":memory:", make=True)
    with pytest.raises(UsageError, match="--by: give one line"):
        acknowledge(store, [str(uuid.uuid4())], text, NOW)
    if text:
        with pytest.raises(UsageError, match="--note: give one line"):
            acknowledge_all(store, "sqlite", ["*"], NOW, "Ada", NOW, text)
    store.close()


def test_ok__the_command_says_how_many(command: Cli) -> None:
    store = open_store("fleet.db", make=True)
    now = datetime.now(timezone.utc)
    alerts = [row("van-1", seq, now - seq * HOUR) for seq in range(1, 5)]
    store.put(Batch(alerts=alerts))
    store.close()
    names = [alert.episode for alert in alerts]
    done = command("fleet", "acknowledge", *names[:2], "--by", "Ada", "--note", "called the depot")
    assert (done.code, done.out, done.err) == (0, "2 episodes acknowledged by Ada\n", "")
    done = command("fleet", "acknowledge", names[0], "--by", "Bob")
    assert done.out == "0 episodes acknowledged by Bob, 1 were already\n"
    done = command("fleet", "acknowledge", "--vehicle", "van-*", "--before", "3h", "--by", "Bob")
    assert done.out == "2 episodes acknowledged by Bob\n"
    assert "not acknowledged" not in command("fleet", "report").out.splitlines()[2]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give ids of episodes, or both --vehicle and --before"),
        (["--vehicle", "van-1"], "give ids of episodes, or both"),
        (["--before", "1d"], "give ids of episodes, or both"),
        (["x", "--vehicle", "van-1", "--before", "1d"], "give ids of episodes, or both"),
        (["x"], "'x' is no id of an episode"),
        (["--vehicle", "van-1", "--before", "soon"], "--before: expected a time ago"),
        ([str(uuid.UUID(int=7))], "the store has no such episode"),
    ],
)
def test_fail__a_mistake_is_one_line(command: Cli, arguments: list[str], words: str) -> None:
    open_store("fleet.db", make=True).check_schema()
    done = command("fleet", "acknowledge", *arguments, "--by", "Ada")
    assert done.code in (1, 2)
    assert len(done.lines) == 1
    assert words in done.err
    assert command("fleet", "acknowledge").code == 2

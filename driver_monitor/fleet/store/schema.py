"""The schema of the store, for both engines, as steps: a store of schema N has had the first N steps.

Steps are only ever added: a step that has been released must not change. Names and columns are the same in both engines
(docs/fleet-store.md). SQLite keeps times as text: UTC, ISO 8601 with microseconds and Z, so that text order is time
order.
"""

from __future__ import annotations

POSTGRES_STEPS: tuple[str, ...] = (
    """
    CREATE TABLE alert (
        t_wall timestamptz NOT NULL, id uuid NOT NULL, vehicle text NOT NULL, seq bigint NOT NULL,
        episode uuid NOT NULL, trip text NOT NULL, t double precision NOT NULL, rule text NOT NULL,
        level text NOT NULL, phase text NOT NULL, message text NOT NULL, body text NOT NULL,
        received timestamptz NOT NULL, PRIMARY KEY (t_wall, id)
    ) PARTITION BY RANGE (t_wall);
    CREATE TABLE alert_default PARTITION OF alert DEFAULT;
    CREATE INDEX alert_id ON alert (id);
    CREATE INDEX alert_vehicle ON alert (vehicle, seq);
    CREATE INDEX alert_episode ON alert (episode);
    CREATE TABLE vehicle (
        vehicle text PRIMARY KEY, first_seen timestamptz NOT NULL, last_seen timestamptz NOT NULL,
        online boolean, online_at timestamptz,
        status text, status_at timestamptz, status_trip text, status_uptime_s double precision
    ) WITH (fillfactor = 50);
    CREATE TABLE trip (
        vehicle text, trip text, first_seen timestamptz NOT NULL, last_seen timestamptz NOT NULL,
        uptime_s double precision NOT NULL, driving_s double precision NOT NULL, PRIMARY KEY (vehicle, trip)
    ) WITH (fillfactor = 80);
    CREATE TABLE dead_letter (
        digest text PRIMARY KEY, topic text NOT NULL, payload bytea NOT NULL, reason text NOT NULL,
        count bigint NOT NULL, first_seen timestamptz NOT NULL, last_seen timestamptz NOT NULL
    );
    CREATE TABLE acknowledgement (
        episode uuid, by_whom text NOT NULL, at timestamptz, note text NOT NULL, PRIMARY KEY (episode, at)
    );
    """,
)
SQLITE_STEPS: tuple[str, ...] = (
    """
    CREATE TABLE alert (
        t_wall TEXT NOT NULL, id TEXT NOT NULL, vehicle TEXT NOT NULL, seq INTEGER NOT NULL,
        episode TEXT NOT NULL, trip TEXT NOT NULL, t REAL NOT NULL, rule TEXT NOT NULL,
        level TEXT NOT NULL, phase TEXT NOT NULL, message TEXT NOT NULL, body TEXT NOT NULL,
        received TEXT NOT NULL, PRIMARY KEY (t_wall, id)
    );
    CREATE UNIQUE INDEX alert_id ON alert (id);
    CREATE INDEX alert_vehicle ON alert (vehicle, seq);
    CREATE INDEX alert_episode ON alert (episode);
    CREATE INDEX alert_received ON alert (received);
    CREATE TABLE vehicle (
        vehicle TEXT PRIMARY KEY, first_seen TEXT NOT NULL, last_seen TEXT NOT NULL,
        online INTEGER, online_at TEXT,
        status TEXT, status_at TEXT, status_trip TEXT, status_uptime_s REAL
    ) WITHOUT ROWID;
    CREATE TABLE trip (
        vehicle TEXT, trip TEXT, first_seen TEXT NOT NULL, last_seen TEXT NOT NULL,
        uptime_s REAL NOT NULL, driving_s REAL NOT NULL, PRIMARY KEY (vehicle, trip)
    ) WITHOUT ROWID;
    CREATE TABLE dead_letter (
        digest TEXT PRIMARY KEY, topic TEXT NOT NULL, payload BLOB NOT NULL, reason TEXT NOT NULL,
        count INTEGER NOT NULL, first_seen TEXT NOT NULL, last_seen TEXT NOT NULL
    );
    CREATE TABLE acknowledgement (
        episode TEXT, by_whom TEXT NOT NULL, at TEXT, note TEXT NOT NULL, PRIMARY KEY (episode, at)
    ) WITHOUT ROWID;
    """,
)
SCHEMA = len(POSTGRES_STEPS)
"""The schema of this program."""
SETTING = "CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL)"
"""Both engines; made before the first step, because it holds the number of the schema."""

ALERT_COLUMNS = "t_wall, id, vehicle, seq, episode, trip, t, rule, level, phase, message, body, received"
VEHICLE_COLUMNS = "vehicle, first_seen, last_seen, online, online_at, status, status_at, status_trip, status_uptime_s"
TRIP_COLUMNS = "vehicle, trip, first_seen, last_seen, uptime_s, driving_s"
LETTER_COLUMNS = "digest, topic, payload, reason, count, first_seen, last_seen"


def _choose(condition: str, *columns: str) -> str:
    return ", ".join(f"{name} = CASE WHEN {condition} THEN excluded.{name} ELSE old.{name} END" for name in columns)


def _extreme(comparison: str, *columns: str) -> str:
    return ", ".join(_choose(f"excluded.{name} {comparison} old.{name}", name) for name in columns)


_ONLINE_IS_NEWER = "excluded.online_at IS NOT NULL AND (old.online_at IS NULL OR excluded.online_at >= old.online_at)"
# The rule is that of `fold.is_newer`.
_STATUS_IS_NEWER = (
    "excluded.status IS NOT NULL AND (old.status IS NULL OR CASE WHEN excluded.status_trip = old.status_trip"
    " THEN excluded.status_uptime_s >= old.status_uptime_s ELSE excluded.status_at >= old.status_at END)"
)
VEHICLE_UPDATE = (
    f"ON CONFLICT (vehicle) DO UPDATE SET {_extreme('<', 'first_seen')}, {_extreme('>', 'last_seen')},"
    f" {_choose(_ONLINE_IS_NEWER, 'online', 'online_at')},"
    f" {_choose(_STATUS_IS_NEWER, 'status', 'status_at', 'status_trip', 'status_uptime_s')}"
)
"""The end of an INSERT INTO vehicle AS old: nothing goes back to an older message."""
TRIP_UPDATE = (
    f"ON CONFLICT (vehicle, trip) DO UPDATE SET {_extreme('<', 'first_seen')},"
    f" {_extreme('>', 'last_seen', 'uptime_s', 'driving_s')}"
)
LETTER_UPDATE = (
    "ON CONFLICT (digest) DO UPDATE SET count = old.count + excluded.count,"
    f" {_extreme('<', 'first_seen')}, {_extreme('>', 'last_seen')}"
)

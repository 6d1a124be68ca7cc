"""The SQL views of the store, with the same names and columns in both engines. docs/fleet-look.md describes them.

The schema makes them (`views`). They read the tables only, so a reader of dashboards needs no right but SELECT. What a
vehicle sends is not trusted: no text of a status or an alert makes a view fail.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Engine = Literal["postgresql", "sqlite"]
CLOCK_SET = "2025-01-01T00:00:00Z"
"""An earlier time means that the clock of the vehicle was never set (as in `outputs.sequence`)."""
LONGEST_TRIP_S = 366 * 86400
"""Seconds. No daemon is said to run longer; a larger `uptime_s` is not believed (ours)."""
MOST_SEQ = 2**53 - 1
"""Largest number of an alert: up to it JSON readers are exact."""
MOST_ABSENT = 100
"""Ranges in `spool.absent` of a status (docs/fleet.md). Older ones are not in it, so nobody knows of them."""
REASONS = ("dropped", "expired", "power_cut")
"""Why a number never comes, as the spool of a vehicle says it."""

_POSTGRESQL = {
    "at": f"CASE WHEN a.t_wall >= '{CLOCK_SET}' AND a.t_wall <= a.received + interval '1 day'"
    " THEN a.t_wall ELSE a.received END",
    "epoch": "extract(epoch FROM {})::double precision",
    "moment": "to_timestamp({})",
    "day": "(timestamp 'epoch' + ({}) * interval '1 day')::date",
    "least": "least",
    "greatest": "greatest",
    # PostgreSQL ends the whole query where a product or a quotient is too small for a number.
    "number": "CASE WHEN abs({0}) < 0.001 THEN 0 ELSE nullif({0}, 'NaN'::double precision) END",
    "hours_ago": "extract(epoch FROM now() - {})::double precision / 3600",
    "vehicle_of_topic": "nullif(split_part(topic, '/', 3), '')",
    "cause": "split_part(reason, ':', 1)",
    "bytes": "octet_length(payload)",
    "has": "strpos({}, '{}') > 0",
    "waiting": "CASE WHEN jsonb_typeof(s #> '{spool,waiting}') = 'number' THEN (s #>> '{spool,waiting}')::numeric END",
    "status_from": "vehicle v, LATERAL (SELECT fleet_json(v.status) AS s OFFSET 0) parsed",
    "absent": """
  SELECT v.vehicle,
         CASE WHEN e ->> 0 ~ '^[0-9]{1,16}$' THEN (e ->> 0)::bigint END AS first_seq,
         CASE WHEN e ->> 1 ~ '^[0-9]{1,16}$' THEN (e ->> 1)::bigint END AS last_seq,
         e ->> 2 AS reason
  FROM vehicle v, LATERAL (SELECT fleet_json(v.status) #> '{spool,absent}' AS ranges OFFSET 0) parsed,
       LATERAL jsonb_array_elements(CASE WHEN jsonb_typeof(ranges) = 'array' THEN ranges ELSE '[]' END) AS e""",
    "days": """
  SELECT vehicle, trip, start_s, finish_s, driving_s, d
  FROM v_trip, LATERAL generate_series(floor(start_s / 86400)::bigint, floor(finish_s / 86400)::bigint) AS d
  WHERE driving_s IS NOT NULL""",
    "day_number": "floor({} / 86400)::bigint",
    "evidence": "b -> 'evidence' -> '{0}' AS {0}",
    "evidence_number": "CASE WHEN jsonb_typeof(b #> '{{evidence,{0}}}') = 'number'"
    " THEN (b #>> '{{evidence,{0}}}')::numeric END AS {0}",
    "evidence_text": "b #>> '{{evidence,{0}}}' AS {0}",
    "wall_synced": "CASE b -> 'wall_synced' WHEN 'true'::jsonb THEN true WHEN 'false'::jsonb THEN false END",
    "alert_from": "alert a, LATERAL (SELECT fleet_json(a.body) AS b OFFSET 0) parsed",
}
_SQLITE = {
    # A text comparison first: two dates to convert for each of a million alerts take a second.
    "at": f"CASE WHEN a.t_wall >= '{CLOCK_SET}' AND (a.t_wall <= a.received OR julianday(a.t_wall) <="
    " julianday(a.received) + 1) THEN a.t_wall ELSE a.received END",
    "epoch": "((julianday({}) - 2440587.5) * 86400.0)",
    "moment": "strftime('%Y-%m-%dT%H:%M:%fZ', {}, 'unixepoch')",
    "day": "date(({}) * 86400, 'unixepoch')",
    "least": "min",
    "greatest": "max",
    "number": "{}",
    "hours_ago": "(julianday('now') - julianday({})) * 24",
    "vehicle_of_topic": "CASE WHEN topic LIKE 'dm/1/_%/%' THEN substr(topic, 6, instr(substr(topic, 6), '/') - 1) END",
    "cause": "CASE instr(reason, ':') WHEN 0 THEN reason ELSE substr(reason, 1, instr(reason, ':') - 1) END",
    "bytes": "length(payload)",
    "has": "instr({}, '{}') > 0",
    "waiting": "CASE WHEN json_type(s, '$.spool.waiting') IN ('integer', 'real')"
    " THEN json_extract(s, '$.spool.waiting') END",
    "status_from": "(SELECT *, CASE WHEN json_valid(status) THEN status ELSE '{}' END AS s FROM vehicle) v",
    "absent": """
  SELECT v.vehicle,
         CASE WHEN e.type = 'array' AND typeof(json_extract(e.value, '$[0]')) = 'integer'
              THEN json_extract(e.value, '$[0]') END AS first_seq,
         CASE WHEN e.type = 'array' AND typeof(json_extract(e.value, '$[1]')) = 'integer'
              THEN json_extract(e.value, '$[1]') END AS last_seq,
         CASE WHEN e.type = 'array' THEN json_extract(e.value, '$[2]') END AS reason
  FROM vehicle v, json_each(CASE WHEN json_valid(v.status) THEN v.status ELSE '{}' END, '$.spool.absent') AS e""",
    "days": """
  SELECT vehicle, trip, start_s, finish_s, driving_s, CAST(start_s / 86400 AS INTEGER) AS d
  FROM v_trip WHERE driving_s IS NOT NULL
  UNION ALL
  SELECT vehicle, trip, start_s, finish_s, driving_s, d + 1 FROM days WHERE (d + 1) * 86400 <= finish_s""",
    "day_number": "CAST({} / 86400 AS INTEGER)",
    "evidence": "json_extract(b, '$.evidence.{0}') AS {0}",
    "evidence_number": "CASE WHEN json_type(b, '$.evidence.{0}') IN ('integer', 'real')"
    " THEN json_extract(b, '$.evidence.{0}') END AS {0}",
    "evidence_text": "json_extract(b, '$.evidence.{0}') AS {0}",
    "wall_synced": "CASE json_type(b, '$.wall_synced') WHEN 'true' THEN 1 WHEN 'false' THEN 0 END",
    "alert_from": "(SELECT *, CASE WHEN json_valid(body) THEN body ELSE '{}' END AS b FROM alert) a",
}
DIALECTS: Mapping[Engine, Mapping[str, str]] = {"postgresql": _POSTGRESQL, "sqlite": _SQLITE}
"""What the two engines write differently."""

# jsonb refuses what JSON allows, such as a zero character, and one such status would end the view for the whole fleet.
_JSON_FUNCTION = """
CREATE OR REPLACE FUNCTION fleet_json(body text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN body::jsonb;
EXCEPTION WHEN others THEN
  RETURN NULL;
END $$
"""
LEVEL_NUMBER = "CASE level WHEN 'info' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END"
"""0 to 2. A level that nobody knows counts as critical: unknown is never harmless."""
LEVEL_WORD = "CASE {} WHEN 0 THEN 'info' WHEN 1 THEN 'warning' ELSE 'critical' END"


def engine_of(url: str) -> Engine:
    """Return the engine of the store at `url` (`open_store`)."""
    return "postgresql" if url.startswith(("postgresql://", "postgres://")) else "sqlite"


def views(engine: Engine) -> list[str]:
    """Return the statements that make all views of `engine`, in their order. They may run again at each migration."""
    words = DIALECTS[engine]
    queries = {
        "v_alert": _alert(words),
        "v_episode": _episode(words),
        "v_trip": _trip(words),
        "v_rate": _rate(words),
        "v_gap": _gap(words),
        "v_silent": _silent(words),
        "v_dead_letter": _dead_letter(words),
    }
    if engine == "postgresql":
        made = [f"CREATE OR REPLACE VIEW {name} AS {query}" for name, query in queries.items()]
        return [_JSON_FUNCTION, *made]
    dropped = [f"DROP VIEW IF EXISTS {name}" for name in queries]
    return [*dropped, *(f"CREATE VIEW {name} AS {query}" for name, query in queries.items())]


def _alert(words: Mapping[str, str]) -> str:
    evidence = [words["evidence"].format(name) for name in ("measured", "threshold", "compared", "interval")]
    evidence += [words["evidence_number"].format(name) for name in ("window_s", "coverage")]
    return f"""
SELECT {words["at"]} AS at, a.t_wall, a.received, a.id, a.vehicle, a.seq, a.episode, a.trip, a.t, a.rule, a.level,
       a.phase, a.message, {words["wall_synced"]} AS wall_synced,
       {", ".join(evidence)}, {words["evidence_text"].format("clause")}
FROM {words["alert_from"]}"""


def grouped_episodes(words: Mapping[str, str], where: str = "true") -> str:
    """Return a query with a row for each episode of the alerts for which `where` holds.

    `begun`, `t`: the first message that is not `cleared`; None: there is only that one. `t`: seconds of the trip.
    `worst`: 0 to 2. `worst_came`: when the first message of that level was received. `where`: of the alert `a`.
    """
    came = [f"min(received) FILTER (WHERE rank = {rank})" for rank in (0, 1, 2)]
    return f"""
  SELECT vehicle, episode, min(rule) AS rule, min(at) AS first_at, max(rank) AS worst,
         min(at) FILTER (WHERE phase = 'raised') AS raised, min(at) FILTER (WHERE phase = 'escalated') AS escalated,
         min(at) FILTER (WHERE phase = 'cleared') AS cleared,
         min(at) FILTER (WHERE phase <> 'cleared') AS begun,
         min(t) FILTER (WHERE phase <> 'cleared') AS t, max(t) FILTER (WHERE phase = 'cleared') AS t_cleared,
         coalesce(min(trip) FILTER (WHERE phase = 'raised'), min(trip)) AS trip, min(trip) = max(trip) AS one_trip,
         CASE max(rank) WHEN 0 THEN {came[0]} WHEN 1 THEN {came[1]} ELSE {came[2]} END AS worst_came
  FROM (SELECT a.vehicle, a.episode, a.rule, a.phase, a.t, a.trip, a.received, {LEVEL_NUMBER} AS rank,
               {words["at"]} AS at FROM alert a WHERE {where}) messages
  GROUP BY vehicle, episode"""


ACKNOWLEDGED = """
  (SELECT episode, by_whom, at, note FROM
     (SELECT *, row_number() OVER (PARTITION BY episode ORDER BY at DESC) AS newest FROM acknowledgement) acts
   WHERE newest = 1)"""
"""The newest acknowledgement of each episode. It counts if it is not older than the worst message (`worst_came`)."""


def _episode(words: Mapping[str, str]) -> str:
    level = LEVEL_WORD.format("e.worst")
    return f"""
SELECT e.vehicle, e.episode, e.rule, {level} AS level, coalesce(e.begun, e.first_at) AS begun, e.raised, e.escalated,
       e.cleared, CASE WHEN e.one_trip THEN e.t_cleared - e.t END AS duration_s, e.t, e.trip,
       coalesce(k.at >= e.worst_came, 1 = 0) AS acknowledged, k.by_whom AS acknowledged_by, k.at AS acknowledged_at,
       k.note
FROM ({grouped_episodes(words)}) e LEFT JOIN {ACKNOWLEDGED} k ON k.episode = e.episode"""


def _trip(words: Mapping[str, str]) -> str:
    epoch, number, least = words["epoch"], words["number"], words["least"]
    uptime, driving = number.format("uptime_s"), number.format("driving_s")
    return f"""
SELECT vehicle, trip, {words["moment"].format("start_s")} AS start, {words["moment"].format("start_s + length_s")}
       AS finish, driving_s, uptime_s, start_s, start_s + length_s AS finish_s
FROM (SELECT vehicle, trip, uptime_s, coalesce(uptime_s, 0) AS length_s,
             CASE WHEN driving_s >= 0 THEN {least}(driving_s, coalesce(uptime_s, {LONGEST_TRIP_S})) END AS driving_s,
             {least}(first_s, last_s - coalesce(uptime_s, 0)) AS start_s
      FROM (SELECT vehicle, trip, {driving} AS driving_s,
                   CASE WHEN {uptime} >= 0 THEN {least}({uptime}, {LONGEST_TRIP_S}) END AS uptime_s,
                   {epoch.format("first_seen")} AS first_s, {epoch.format("last_seen")} AS last_s
            FROM trip) seen) spans"""


IN_HOURS = "coalesce(t.driving_s IS NOT NULL AND (t.uptime_s IS NULL OR e.t IS NULL OR e.t <= t.uptime_s), 1 = 0)"
"""Whether episode `e` lies in the known hours of trip `t` (`v_trip`): before the last status of this trip."""


def _rate(words: Mapping[str, str]) -> str:
    day = words["day_number"].format(words["epoch"].format("e.begun"))
    least, greatest = words["least"], words["greatest"]
    overlap = f"{least}(finish_s, (d + 1) * 86400.0) - {greatest}(start_s, d * 86400.0)"
    return f"""
WITH RECURSIVE days AS ({words["days"]}),
hours AS (
  SELECT vehicle, d, sum(CASE WHEN finish_s > start_s THEN driving_s * ({overlap}) / (finish_s - start_s)
                              ELSE driving_s END) / 3600 AS driving_h
  FROM days GROUP BY vehicle, d),
counted AS (
  SELECT e.vehicle, {day} AS d, e.rule, count(*) AS episodes, count(CASE WHEN {IN_HOURS} THEN 1 END) AS in_hours
  FROM v_episode e LEFT JOIN v_trip t ON t.vehicle = e.vehicle AND t.trip = e.trip
  GROUP BY e.vehicle, {day}, e.rule)
SELECT p.vehicle, {words["day"].format("p.d")} AS day, p.rule, coalesce(c.episodes, 0) AS episodes,
       coalesce(c.in_hours, 0) AS episodes_in_hours, h.driving_h
FROM (SELECT vehicle, d, rule FROM hours CROSS JOIN (SELECT DISTINCT rule FROM counted) rules
      UNION SELECT vehicle, d, rule FROM counted) p
LEFT JOIN counted c ON c.vehicle = p.vehicle AND c.d = p.d AND c.rule = p.rule
LEFT JOIN hours h ON h.vehicle = p.vehicle AND h.d = p.d"""


def _gap(words: Mapping[str, str]) -> str:
    least, greatest = words["least"], words["greatest"]
    known = ", ".join(f"'{reason}'" for reason in REASONS)
    hole = "vehicle, hole, hole_last, alert_before, alert_after"
    return f"""
WITH states AS (SELECT v.vehicle, v.status_at, {words["waiting"]} AS waiting FROM {words["status_from"]}),
absent AS (SELECT * FROM ({words["absent"]}) listed WHERE first_seq <= last_seq),
oldest AS (SELECT vehicle, min(first_seq) AS first_seq, count(*) AS ranges FROM absent GROUP BY vehicle),
holes AS (
  SELECT vehicle, seq + 1 AS hole, next_seq - 1 AS hole_last, at AS alert_before, next_at AS alert_after
  FROM (SELECT vehicle, seq, at, lead(seq) OVER numbers AS next_seq, lead(at) OVER numbers AS next_at
        FROM (SELECT a.vehicle, a.seq, {words["at"]} AS at FROM alert a WHERE a.seq BETWEEN 0 AND {MOST_SEQ}) stored
        WINDOW numbers AS (PARTITION BY vehicle ORDER BY seq)) pairs
  WHERE next_seq > seq + 1),
pieces AS (
  SELECT h.*, {greatest}(h.hole, a.first_seq) AS first_seq, {least}(h.hole_last, a.last_seq) AS last_seq, a.reason
  FROM holes h JOIN absent a
    ON a.vehicle = h.vehicle AND a.first_seq <= h.hole_last AND a.last_seq >= h.hole),
explained AS (
  SELECT {hole}, CASE WHEN reached >= first_seq THEN reached + 1 ELSE first_seq END AS first_seq, last_seq, reason
  FROM (SELECT *, max(last_seq) OVER (PARTITION BY vehicle, hole ORDER BY first_seq, last_seq, reason
                                      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
        FROM pieces) sorted
  WHERE reached IS NULL OR last_seq > reached),
unexplained AS (
  SELECT h.*, h.hole AS first_seq, coalesce(e.first_seq - 1, h.hole_last) AS last_seq
  FROM holes h LEFT JOIN (SELECT vehicle, hole, min(first_seq) AS first_seq FROM explained GROUP BY vehicle, hole) e
    ON e.vehicle = h.vehicle AND e.hole = h.hole
  UNION ALL
  SELECT {hole}, last_seq + 1,
         coalesce(lead(first_seq) OVER (PARTITION BY vehicle, hole ORDER BY first_seq) - 1, hole_last)
  FROM explained)
SELECT vehicle, first_seq, last_seq, last_seq - first_seq + 1 AS numbers,
       CASE WHEN reason IN ({known}) THEN reason ELSE 'other' END AS reason, alert_before, alert_after
FROM explained
UNION ALL
SELECT u.vehicle, u.first_seq, u.last_seq, u.last_seq - u.first_seq + 1,
       CASE WHEN o.ranges >= {MOST_ABSENT} AND u.last_seq < o.first_seq THEN 'unknown'
            WHEN s.waiting = 0 AND s.status_at >= u.alert_after THEN 'lost'
            ELSE 'waiting' END,
       u.alert_before, u.alert_after
FROM unexplained u LEFT JOIN states s ON s.vehicle = u.vehicle LEFT JOIN oldest o ON o.vehicle = u.vehicle
WHERE u.first_seq <= u.last_seq"""


def _silent(words: Mapping[str, str]) -> str:
    return f"""
SELECT vehicle, last_seen, {words["hours_ago"].format("last_seen")} AS silent_h, online AS was_online FROM vehicle"""


def _dead_letter(words: Mapping[str, str]) -> str:
    return f"""
SELECT digest, {words["vehicle_of_topic"]} AS vehicle, topic, {words["cause"]} AS cause, reason, count AS messages,
       {words["bytes"]} AS bytes, first_seen, last_seen FROM dead_letter"""

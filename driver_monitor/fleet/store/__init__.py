"""The operator's table of alerts: PostgreSQL, or an SQLite file.

It may import `errors`, `data`, `messages` and `mqtt`. `fleet.collect`, `fleet.look` and `cli` use it.
"""

"""The operator's store: alerts, vehicles, trips and dead letters, in SQLite or PostgreSQL.

It may import `errors`, `mqtt` and the name of the program (`PROGRAM`). The other folders of `fleet` and `cli` use it.
"""

"""Looking at a fleet: live from the broker, as a report from the store, and acknowledging what was looked at.

It may import `bench`, `data`, `errors`, `messages`, `mqtt`, `fleet.collect` and `fleet.store`. `cli` uses it.
"""

"""Takes the messages of all vehicles from a broker into the store, and tells the vehicles what is stored.

It may import `errors`, `data`, `mqtt`, `metrics`, `threads`, `app` and `fleet.store`. `cli` uses it.
"""

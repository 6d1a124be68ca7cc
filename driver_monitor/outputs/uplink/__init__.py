"""The uplink: sends alerts and status to the brokers of the car's operator, and keeps alerts until they are stored.

It may import `messages`, `mqtt`, `spool`, `threads`, `config`, `data` and `errors`, and `outputs.output`. `session` is
pure; the simulator (`fleet`) uses it too.
"""

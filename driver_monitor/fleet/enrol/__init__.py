"""Keys and certificates of a depot: a small CA, the broker's files, and a folder for each vehicle.

It may import `mqtt`, `disk` and `errors`. `cli` uses it. It needs the package `cryptography` (extra `operator`).
"""

"""Threads for all work that may hang. Their `close` has a time limit. A full queue drops items and counts them.

It may import `errors`. `capture`, `outputs`, `metrics` and `fleet` use it.
"""

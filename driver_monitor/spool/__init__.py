"""Keeps alerts on the car's disk until the operator has stored them, and for a time what was sent.

It may import `errors` and `data`. `outputs`, `fleet`, `doctor` and `cli` use it.
"""

"""Holds the one table of signals: a row for each quantity of the driver state that rules may use or JSON shows.

The rows define the JSON of signals.jsonl and of the topic `state/`, the rule schema, the list of public fields and the
tables of docs/signals.md. This folder may import `state` and `data`. `rules`, `messages` and `bench` use it.
"""

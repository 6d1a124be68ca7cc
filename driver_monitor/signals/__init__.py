"""The one table of quantities: a row for each number, word or switch that rules may use or JSON shows.

From the rows come the JSON of signals.jsonl and `state/`, the rule schema, the list of public fields and the tables of
docs/signals.md. It may import `state` and `data`. `rules`, `messages` and `bench` use it.
"""

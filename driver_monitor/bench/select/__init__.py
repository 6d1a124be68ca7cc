"""Conditions that choose the clips of a batch, by their labels and by earlier runs.

This folder may import `app` and every folder below `app`, `bench.labelled`, `bench.replays`, `bench.runs`,
`bench.score`.
"""

"""Runs, the results of replays on the disk: written in one step, and read again.

This folder may import every folder below `app`, and `bench.files`.
"""

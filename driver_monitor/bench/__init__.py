"""Offline work with the daemon's pipeline: replay, single pictures, scores, the spot check, explanations of alerts.

It may import `app` and every folder below it. Only `cli` and the tools use it.
"""

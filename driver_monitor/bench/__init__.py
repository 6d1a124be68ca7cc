"""Code for offline work: replays, single pictures, scores, the spot check, explanations of recorded alerts.

This folder may import `app` and every folder below `app`. Only `cli` and the tools use it.
"""

"""Recorded clips through the same pipeline: replay, single stills, scores against labels, explanations of alerts.

It may import `app` and every folder below it. Only `cli` uses it.
"""

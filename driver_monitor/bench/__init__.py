"""Recorded clips through the same pipeline: replay, inspect, scores."""

"""Scores single nets on labelled arrays: the eye net and the expression net.

This folder may import `bench.score`, `perception` and every folder below them. Only `cli` and the tools use it.
"""

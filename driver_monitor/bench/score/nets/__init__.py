"""Scores of single nets on labelled arrays: the eye net and the expression net.

It may import `bench.score`, `perception` and every folder below. Only `cli` and the tools use it.
"""

"""Sweeps: judges the traces of labelled clips with many settings of a profile, and compares each with the present one.

This folder may import `bench`, `app` and every folder below them. Only `cli` uses it.
"""

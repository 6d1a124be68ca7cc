"""The verbs of a bench engineer: replay, and what is made from its results.

This folder may import every folder of the package.
"""

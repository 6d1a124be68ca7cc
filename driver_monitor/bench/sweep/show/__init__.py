"""Shows a finished sweep: tables on the terminal, curves and tables on a page.

This folder may import `bench`, `app` and every folder below them. Only `cli` uses it.
"""

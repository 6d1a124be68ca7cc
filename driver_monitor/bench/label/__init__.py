"""The page to label clips by hand, `driver-monitor label`, with the signals of the clip as suggestions.

This folder may import `bench`, `web`, `app` and every folder below `app`. Only `cli` and the tests use it.
"""

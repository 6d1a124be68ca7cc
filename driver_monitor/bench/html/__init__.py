"""Pages for a browser that need no other file, no server and no network.

This folder may import every folder below `app`.
"""

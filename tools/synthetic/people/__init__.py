"""Random people: the head from CC0 parts, and lids, eyeballs, lashes, brows and glasses made by code.

They may import each other and nothing else of the project.
"""

"""The configuration, the profiles and the files that come with the program: where they are, and how they are checked.

It may import `rules`, `data` and `errors`. Every folder that is built from the configuration uses it.
"""

"""Files that users write: the configuration, its checks with file and line, profiles, and the files that ship with us.

It may import `rules`, `data` and `errors`. Every folder that is built from the configuration uses it.
"""

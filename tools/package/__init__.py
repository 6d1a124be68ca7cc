"""Builds the Debian packages on any x86-64 Linux: one for each Python and processor, without an emulator.

`python -m tools.package.build` (`make deb`) lays a folder with the wheels of the target and packs it with dpkg-deb.
`tools.system.packages` tries the packages in fresh systems.
"""

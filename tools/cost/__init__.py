"""The tools that measure what the whole program costs, each against its aim: docs/speed.md has the aims and figures.

They may import `driver_monitor` and the tools of `attack`, `house` and `measure`. Only a maintainer runs them, on an
idle machine.
"""

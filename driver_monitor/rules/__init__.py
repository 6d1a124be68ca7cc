"""Turns driver states into alerts, by the rules of a profile. Pure: no clock, no files, no threads.

It may import `signals`, `state`, `timing` and `data`. `config`, `app`, `bench` and `cli` use it.
"""

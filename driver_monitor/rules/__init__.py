"""From driver state to alerts, by the rules of a profile. Pure: no clock, no files, no threads.

It may import `signals`, `state`, `timing` and `data`. `config`, `messages` and `app` use it.
"""

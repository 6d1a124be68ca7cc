"""Serves counters for Prometheus over HTTP, on this machine only. The car and the collector use it.

It may import `errors`, `threads` and `config`. `outputs` and `fleet` use it.
"""

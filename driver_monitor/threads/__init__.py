"""The one kind of thread, for all work that may wait: a bounded queue, a counter of dropped items, a close in time.

It may import `errors`. `capture` and `outputs` use it.
"""

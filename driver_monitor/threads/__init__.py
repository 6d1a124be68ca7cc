"""The one kind of thread, for all work that may hang. It closes within a time limit; its queue drops and counts items.

It may import `errors`. `capture` and `outputs` use it.
"""

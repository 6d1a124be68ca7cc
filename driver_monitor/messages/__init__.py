"""What leaves the daemon as data: alerts, state, status and traces as JSON, and the privacy filter.

It may import `signals`, `rules`, `state`, `data` and `errors`. `outputs`, `app`, `bench` and `cli` use it.
"""

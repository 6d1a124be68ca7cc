"""What an operator means for the car: the driver is at work, and what a person should be told about it.

It may import `config`, `rules` and `errors`. `app` and `cli` use it.
"""

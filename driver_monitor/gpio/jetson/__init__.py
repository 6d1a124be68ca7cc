"""Drives the lines of a GPIO chip through libgpiod (`gpiod`): the pins of a Jetson, which gpiozero does not know.

It may import `PROGRAM` and `errors`. The other modules of `gpio` use it.
"""

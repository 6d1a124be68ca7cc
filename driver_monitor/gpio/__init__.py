"""Pins of a board: buzzer, LED and the driver's button, with mock pins for machines without any.

It may import `config`, `data` and `errors`. `outputs` and `app` use it.
"""

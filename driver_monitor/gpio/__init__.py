"""Pins of a board: buzzer, LED and the driver's button. Mock pins are for machines without GPIO.

It may import `config`, `data` and `errors`. `outputs` and `app` use it.
"""

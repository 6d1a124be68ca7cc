"""Drives the pins of buzzer, LED and infrared lamp, and reads the driver's button.

Mock pins are for machines without GPIO.

This package may import `config`, `data` and `errors`. `outputs` and `app` use it.
"""

"""Reads speed and ignition of the car from ZeroMQ or a file beside a clip, or only the speed from OBD-II over CAN.

It may import `config`, `data`, `errors` and `threads`. `app`, `bench` and `outputs.car` use it.
"""

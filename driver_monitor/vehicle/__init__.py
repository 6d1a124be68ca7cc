"""Speed and ignition of the car: from ZeroMQ, OBD-II over CAN, or a file that belongs to a clip.

It may import `config`, `data` and `errors`. `app` and `bench` use it.
"""

"""What the car says of itself: speed and ignition, from ZeroMQ, OBD-II over CAN, or a file beside a clip.

It may import `config`, `data` and `errors`. `app` and `bench` use it.
"""

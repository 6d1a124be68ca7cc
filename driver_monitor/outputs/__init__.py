"""The outputs: journal, ZeroMQ publisher, buzzer and LED, trace writer, and in `car` the signal to the car.

This package may import `messages`, `gpio`, `threads`, `config`, `data` and `errors`. `app` and `cli` use it. A new
output derives from `Output` and is added in `app.build`.
"""

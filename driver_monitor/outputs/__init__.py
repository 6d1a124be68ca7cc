"""The outputs: journal, ZeroMQ publisher, buzzer and LED, and trace writer.

This package may import `messages`, `gpio`, `threads`, `config`, `data` and `errors`. `app` and `cli` use it. A new
output derives from `Output` and is added in `app.build`.
"""

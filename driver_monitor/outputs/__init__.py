"""Where messages go: the journal, ZeroMQ, buzzer and LED, and trace files.

It may import `messages`, `gpio`, `threads`, `config`, `data` and `errors`. `app` uses it. A new output derives from
`Output` and is added in `app.build`.
"""

"""The outputs: journal, ZeroMQ publisher, buzzer and LED, trace writer; `car`: the signal to the car; `sound`: sounds;
`vss`: names and values of VSS; `uplink`: the way to a fleet's operator.

This package may import `messages`, `metrics`, `spool`, `gpio`, `threads`, `config`, `data`, `disk` and `errors`. `app`
and `cli` use it. A new output derives from `Output` and is a row in `open_outputs`.
"""

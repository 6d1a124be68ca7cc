"""The signal to the car: a CAN frame (described by dms.dbc) and the topic `vehicle/dms`, each with a heartbeat.

It may import `outputs.output`, `vehicle`, `messages`, `threads`, `data`, `config` and `errors`. `app` and `tools` use
it.
"""

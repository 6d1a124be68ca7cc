"""VSS for other programs in the car: the topic `vehicle/vss`, or a KUKSA databroker on this machine.

It may import `outputs.output`, `vehicle`, `messages`, `threads`, `config` and `errors`. `app` uses it.
"""

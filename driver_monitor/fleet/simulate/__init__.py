"""Simulated vehicles for brokers: thousands of real MQTT clients in one process, with the spool and uplink of the car.

It may import `errors`, `data`, `messages`, `mqtt`, `spool`, `outputs.sequence` and `outputs.uplink`. `cli` uses it.
"""

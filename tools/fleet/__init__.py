"""Proofs of the fleet on one machine: faults, load, a demo, and the recording that simulated vehicles drive.

They may import `driver_monitor`, each other, and `tests.fleet.services`, which starts real brokers and databases.
"""

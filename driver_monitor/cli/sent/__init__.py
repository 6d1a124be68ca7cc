"""The verb `sent`: shows a driver or a works council what was sent to the operator of the fleet, and what waits.

It may import every folder.
"""

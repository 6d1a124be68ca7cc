"""What the fine-tuning of several nets on a user's own data shares: the split into parts,
the folder of models, and the end after a fault.

It may import `driver_monitor` and `tools.manifest`.
"""

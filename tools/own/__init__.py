"""What the fine-tuning of several nets on a user's own data shares: the split into parts, and the folder of models.

It may import `driver_monitor` and `tools.manifest`.
"""

"""What the verbs `keys ...` and `watch` need for the encrypted ZeroMQ address of another vehicle.

They may import every folder.
"""

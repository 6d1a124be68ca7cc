"""The keys of the encrypted ZeroMQ address: this vehicle's pair, and the list of clients that may connect. Files only.

It may import `disk`, `errors` and `PROGRAM`. `outputs` and `cli` use it.
"""

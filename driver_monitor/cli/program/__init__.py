"""What every verb needs: the way from the command line to its verb, and to its exit code. And `run`, the daemon.

It may import every folder, but at the top of its modules only what starts fast.
"""

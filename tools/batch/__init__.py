"""The tool of batches: many short clips, killed and continued, in processes and on a cluster.

It may import `driver_monitor`. Only a maintainer runs it.
"""

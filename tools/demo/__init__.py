"""The tools that make the bundled demo clip, check it against its labels and draw its pictures for the documents.

They may import `driver_monitor`. Only a maintainer runs them.
"""

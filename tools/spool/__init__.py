"""Cuts the power of the car's spool at every system call, and counts what is lost."""

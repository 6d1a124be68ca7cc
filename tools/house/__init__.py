"""Counts and benchmarks of the code base itself."""

"""Training, measuring and checking: nothing here is installed."""

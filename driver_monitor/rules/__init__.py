"""Driver state over time to alerts. Pure but for reading a profile."""

"""Driver state over time to alerts. Pure."""

"""Alerts, state and status to ZeroMQ, GPIO and the journal."""

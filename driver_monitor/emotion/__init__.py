"""Face to expression probabilities."""

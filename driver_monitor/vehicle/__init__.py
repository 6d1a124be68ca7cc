"""What the car says of itself: speed and ignition, from ZeroMQ, from its diagnostic socket, from a file, or nothing."""

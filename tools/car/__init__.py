"""An example of the other end of the signal to the car."""

"""What comes in beside the picture: the car's speed and ignition, and the driver's button."""

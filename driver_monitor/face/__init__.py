"""Frame to face: detection, tracking, landmarks and head pose, robust in infrared."""

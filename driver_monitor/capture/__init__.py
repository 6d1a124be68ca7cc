"""Cameras and clips to frames."""

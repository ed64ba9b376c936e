"""Says in words what the scenes of a video show."""

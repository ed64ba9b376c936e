"""What a plan of cues sounds like under its video."""

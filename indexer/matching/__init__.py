"""The parts of the matcher: what a brief asks, what is known of the tracks, and the stages."""

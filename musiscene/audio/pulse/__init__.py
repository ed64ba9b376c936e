"""Where beats and bars begin in audio: a trained network, and the likeliest bars behind it."""

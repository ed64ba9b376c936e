"""Audio in: any file to a mono waveform, and what signal processing can say about it."""

"""Frozen networks that turn a waveform into what it sounds like: tags and hidden features."""

"""Walks a music library, keeps what MusiScene hears in a catalogue, and finds tracks in it."""

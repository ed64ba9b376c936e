"""Tracks of the library and their audio."""

"""Listening studies: people hear music blind, and what they said of it is weighed."""

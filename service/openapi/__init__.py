"""The document that describes the API: examples, and what every operation has in common."""

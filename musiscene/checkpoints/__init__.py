"""The models that MusiScene loads: where they come from, and the folders they are kept in."""

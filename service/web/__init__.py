"""The page for people, and how it is sent."""

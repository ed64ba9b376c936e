"""A video as music has to know it: its scenes, what happens in them, and what is heard."""

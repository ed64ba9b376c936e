"""Captions, subtitles and markers that a person gives with a video."""

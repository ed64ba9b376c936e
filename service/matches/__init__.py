"""Briefs in, fitting tracks out."""

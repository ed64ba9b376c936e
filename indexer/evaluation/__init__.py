"""Retrieval judged: briefs with the tracks they want, against an indexed library."""

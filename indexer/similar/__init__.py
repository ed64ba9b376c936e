"""Tracks that are like others of the library, or like a section of one. No HTTP here."""

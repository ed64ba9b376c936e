"""Background music for clips from four kinds of caption, beside real music and controls."""

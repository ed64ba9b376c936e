"""Videos in, plans of music cues out."""

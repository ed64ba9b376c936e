"""The backend `musicgen`: MusicGen through transformers, in this process."""

"""The backend `audiocraft`: MusicGen through its authors' own library, in its own environment."""

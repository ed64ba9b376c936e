"""What is heard in a library, written into files for other programs."""

"""What people said about the answers."""

"""One module per revision, each with a real downgrade."""

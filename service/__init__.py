"""The HTTP service and the one command, `musiscene`."""

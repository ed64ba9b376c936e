"""Generated music over HTTP."""

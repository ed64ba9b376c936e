"""Makes music for a prompt: one protocol, and the backends that keep it."""

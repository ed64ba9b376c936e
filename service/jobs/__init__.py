"""Long tasks: a queue, the worker that does them, and how they are shown."""

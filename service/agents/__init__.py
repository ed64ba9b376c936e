"""The library for language models, over the Model Context Protocol."""

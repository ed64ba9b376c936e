"""Where the lessons come from: rows of music and scenes, made, imported, split and described."""

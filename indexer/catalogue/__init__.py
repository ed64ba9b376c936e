"""The SQL catalogue: the truth about a library, from which all else can be rebuilt."""

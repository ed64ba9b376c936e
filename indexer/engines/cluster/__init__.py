"""Indexing past one machine: workers on the machines of a Ray cluster, one catalogue."""

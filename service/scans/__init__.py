"""Scans over HTTP: which folders, and how they go on."""

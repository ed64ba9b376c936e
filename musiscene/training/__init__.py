"""How MusiScene learns."""

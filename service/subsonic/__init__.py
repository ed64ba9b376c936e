"""The library for players that speak OpenSubsonic."""

"""Plans of cues as files for editors and for those who pay composers."""

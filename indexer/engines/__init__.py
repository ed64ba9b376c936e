"""What turns files into tracks: the stages of a scan, on one machine or on many."""

"""Where music begins and ends under a picture, and which: the spotting of a film."""

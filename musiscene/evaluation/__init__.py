"""Systems side by side on rows of data, with the controls that an empty success would not pass."""

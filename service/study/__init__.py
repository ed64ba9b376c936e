"""The pages of listening studies, for raters who have a link and nothing else."""

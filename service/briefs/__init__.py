"""The briefs that were asked, and what the answers were."""

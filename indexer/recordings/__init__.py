"""Which files hold the same recording: `grouping` finds out, `listing` shows, `near` doubts."""

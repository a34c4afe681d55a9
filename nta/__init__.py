"""Notice and takedown for hotlines."""

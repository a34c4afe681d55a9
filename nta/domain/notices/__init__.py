"""Which contact gets which items, what providers answer, what returned mail means."""

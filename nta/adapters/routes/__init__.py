"""Which AS announces an address. Imports net and dns."""

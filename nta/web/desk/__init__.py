"""The analysts' pages."""

"""Removal times: clocks, survival with both bounds, what a report may show. Imports errors alone."""

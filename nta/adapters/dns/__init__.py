"""Names to addresses. Imports net."""

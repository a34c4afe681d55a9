"""Registration data on port 43 (RFC 3912). Imports net."""

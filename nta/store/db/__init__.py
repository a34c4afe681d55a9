"""The database itself: opening it, column types, bulk statements, sealing. Imports no other room."""

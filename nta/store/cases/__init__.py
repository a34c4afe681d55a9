"""Hand-ins, cases and episodes. Imports work, tables and db."""

"""Log-ins of the desk. Imports tables and db."""

"""Backups and restores, key files, and bringing rows under a newer key. Imports work and what lies below."""

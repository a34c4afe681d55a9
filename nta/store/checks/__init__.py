"""Rounds of looks, read and written in bulk. Imports notices and what lies below."""

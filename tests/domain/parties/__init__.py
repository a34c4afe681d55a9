"""Parties: who holds an address."""

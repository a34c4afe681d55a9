"""Organisations that can take content away, and the catalogue of them. Imports intake and escalation."""

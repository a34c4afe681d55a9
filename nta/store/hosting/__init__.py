"""Findings, arrangements, and what people entered against them. Imports work and what lies below."""

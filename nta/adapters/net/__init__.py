"""Reaching other machines: which addresses, at what rate, with which bounds. Imports no other adapter."""

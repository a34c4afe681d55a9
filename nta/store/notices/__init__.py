"""Contacts, addressees, notices and what became of them. Imports hosting and what lies below."""

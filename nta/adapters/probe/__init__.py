"""Looking at pages: address pinned, no byte of a body kept. Imports net."""

"""A small internet on loopback, a process of its own."""

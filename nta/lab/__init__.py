"""A small internet on loopback, a process of its own, to try the whole service on."""

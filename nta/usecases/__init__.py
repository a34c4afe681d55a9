"""One module per step, strangers to each other."""

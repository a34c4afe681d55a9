"""How fast the bulk paths are, each beside its raw engine in the same run."""

"""Who serves a host: what to look up next and what the answers mean. Imports intake and parties."""

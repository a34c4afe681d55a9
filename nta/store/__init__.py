"""Tables, due rows, and the queries with a name."""

"""What the pages read: one module a page, each query with a name."""

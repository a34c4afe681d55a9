"""Whether content is still there: where to look, what a look says, what proves absence."""

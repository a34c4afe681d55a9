"""What people hand in: URLs, and the lines and files that hold them. Imports errors and roles alone."""

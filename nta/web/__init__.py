"""The pages: desk and portal."""

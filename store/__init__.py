"""SQL as plain functions over a Session."""

"""Payment files: checked completely, staged in chunks, imported in one transaction."""

"""Orders: priced at the discount of the moment."""

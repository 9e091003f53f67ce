"""Files of payments: checked whole, staged in chunks, entered in one transaction."""

"""SQL of reconciliation: what should exist and does not, in sets; and the gaps that were found."""

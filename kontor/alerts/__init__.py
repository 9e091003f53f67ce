"""Alerts: incidents that need an operator, and the digests that report them."""

"""Limits: their values and overrides, what is counted, and where it is shown."""

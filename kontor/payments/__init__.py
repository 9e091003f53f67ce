"""Payments: recorded one by one or imported from files."""

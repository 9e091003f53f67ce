"""Reconciliation: what should exist and does not, and its repair."""

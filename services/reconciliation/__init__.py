"""Reconciliation: compares what should exist with what does, and names what is missing."""

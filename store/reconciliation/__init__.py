"""Queries of reconciliation: the checks, and the recorded gaps."""

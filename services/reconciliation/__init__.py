"""Reconciliation: finds records and jobs that should exist and do not."""

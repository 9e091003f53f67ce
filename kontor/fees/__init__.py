"""Recurring fees: assignments, charging, statements."""

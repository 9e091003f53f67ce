"""Recurring fees: paid plans, products assigned to clients, and what was charged for them (programme.md 7)."""

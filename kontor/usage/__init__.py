"""Usage, quotas and trials."""

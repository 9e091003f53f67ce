"""Turnover discounts: tiers, the daily run and its approval."""

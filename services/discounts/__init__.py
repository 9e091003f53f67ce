"""Discounts: what a reseller has at a moment, why, what was recorded of it, and the runs that record it."""

from services.discounts.standing import Standing, percent_for, standing, tier_for, tiers_for

__all__ = ["Standing", "percent_for", "standing", "tier_for", "tiers_for"]

"""Discounts of resellers: current tier, explanation, recorded history, and the runs that record it."""

from services.discounts.standing import Standing, percent_for, standing, tier_for, tiers_for

__all__ = ["Standing", "percent_for", "standing", "tier_for", "tiers_for"]

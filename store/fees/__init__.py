"""Queries of recurring fees."""

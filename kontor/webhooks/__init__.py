"""Outgoing webhooks and the feed of domain events."""

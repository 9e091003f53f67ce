"""Implementations of the ports of domain."""

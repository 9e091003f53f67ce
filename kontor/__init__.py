"""Kontor: the back office of a reseller programme, in slices over a kernel and an engine."""

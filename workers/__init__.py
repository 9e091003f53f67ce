"""Processes put together from the layers below."""

"""Builds mail messages: brand, locale, rendering, headers. No access to tables or network."""

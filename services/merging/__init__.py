"""Merge of one reseller into another: previewed first, then all or nothing (programme.md 2.6)."""

"""One reseller merged into another: looked at first, then done whole or not at all (programme.md 2.6)."""

"""What a message says: brand, locale, rendering, headers."""

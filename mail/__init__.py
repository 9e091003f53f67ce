"""What a message says: brand, locale, rendering, headers. Knows no table and no network."""

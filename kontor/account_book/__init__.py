"""The account book of a reseller: its money facts as lines, its balance, what it may spend."""

"""Accounts: resellers, their clients, brands, domains, merges and the account's timeline."""

"""Members of accounts: the people who act for an account besides its admin."""

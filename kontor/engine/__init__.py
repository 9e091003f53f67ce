"""The engine: a ledger of jobs in PostgreSQL, and what relays, workers and schedulers do with it."""

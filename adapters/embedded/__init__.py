"""PostgreSQL and Valkey from their wheels, started by a small launcher of our own."""

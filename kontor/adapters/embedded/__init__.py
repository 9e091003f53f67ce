"""Embedded PostgreSQL and Valkey, installed from wheels."""

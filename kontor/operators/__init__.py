"""Operators: sign-in, sessions, API keys."""

"""Licences: what an account may use, and until when."""

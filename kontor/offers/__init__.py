"""Offers: sent, delivered, decided, withdrawn, expired."""

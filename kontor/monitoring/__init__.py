"""Figures for Prometheus and the console, health and readiness."""

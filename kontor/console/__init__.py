"""The operator console: its shell and the pages about the engine."""

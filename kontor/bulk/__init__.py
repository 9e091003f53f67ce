"""Bulk actions on jobs: previewed by a dry run, run in chunks."""

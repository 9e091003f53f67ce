"""Simulates a year of a programme in minutes: real services, tasks, database and mails under a manual clock."""

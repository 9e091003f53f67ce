"""A year of a programme in minutes: the real services, tasks, database and mails under a clock that is moved."""

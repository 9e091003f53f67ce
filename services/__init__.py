"""Use cases shared by API, console, tasks and CLI."""

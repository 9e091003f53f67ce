"""The HTTP API: validate, call a service, answer."""

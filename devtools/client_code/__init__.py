"""Typed code of the client libraries, generated from docs/openapi.json."""

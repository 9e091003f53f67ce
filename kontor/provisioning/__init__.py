"""Services that orders buy: provisioned by jobs, renewed, suspended, ended."""

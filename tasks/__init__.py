"""One file of handlers per family, the catalogue of payloads, the schedules."""

"""One file per family: payload and handler together."""

"""`kontor demo`: runs the stories of the example programmes against real processes on this machine."""

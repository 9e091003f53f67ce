"""Tasks for a name server with zone files, as an example."""

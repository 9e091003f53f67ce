"""The commands of `kontor`, one module per group; thin: read arguments, call a service, print."""

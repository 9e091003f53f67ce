"""The stories of the example programmes, one module per programme."""

"""SQL of recurring fees."""

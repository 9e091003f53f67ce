"""What operators do to the engine, and the figures they see."""

"""A programme: its model, its file, its stored document, and the diff of two versions."""

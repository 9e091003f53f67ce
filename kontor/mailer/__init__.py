"""What a message says and how it is built: brand, translation, rendering, MIME."""

"""Values and rules every slice shares; pure, or over a Session."""

"""Task types of others, declared as data: their versions, handlers and jobs."""

"""A reseller's list of clients as a file: read at one instant, written in constant memory."""

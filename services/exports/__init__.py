"""Export of a reseller's client list: read at one instant, written in constant memory."""
